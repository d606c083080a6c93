import { beforeAll, describe, expect, test } from 'vitest';
import { consortium } from '../../test/simulation/fixture.ts';
import { equal } from '../codec/bytes.ts';
import { decode, encode, Tag } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { generateKeyPair, type KeyPair } from '../crypto/generate.ts';
import { spkiHash } from '../crypto/keys.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { SUITES } from '../crypto/suites.ts';
import { decodeGenesis, type Genesis, type GenesisDocument, signGenesis } from './genesis.ts';
import { genesisAccountId } from './identifiers.ts';

let genesis: Genesis;
let operator: KeyPair;
let drawn = 1;
const random = (length: number) => new Uint8Array(length).fill(drawn++);

beforeAll(async () => {
  const members = await consortium(crypto, random, { validators: 3, timeMs: 1_000, suite: 'ed25519' });
  genesis = members.genesis;
  operator = members.operator;
});

const sign = async (message: Uint8Array) => SUITES.ed25519.sign(operator.secretKey, message);

/** The path in the error of a document with these changes, or the genesis when there is none. */
async function fault(change: (document: GenesisDocument) => GenesisDocument): Promise<string> {
  try {
    decodeGenesis(crypto, await signGenesis(crypto, change(genesis.document), sign));
    return 'none';
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError);
    return (error as CodecError).message;
  }
}

type ValidatorDocument = GenesisDocument['validators'][number];
const withValidator = (index: number, fields: Partial<ValidatorDocument>) => (document: GenesisDocument) => ({
  ...document,
  validators: document.validators.map((v, i) => (i === index ? { ...v, ...fields } : v)),
});
const withParameters = (fields: Partial<GenesisDocument['parameters']>) => (document: GenesisDocument) => ({
  ...document,
  parameters: { ...document.parameters, ...fields },
});

describe('a good genesis', () => {
  test('comes out as it was signed, and its hash is the SHA-256 of its bytes', () => {
    expect(equal(genesis.hash, crypto.hash('sha-256', genesis.bytes))).toBe(true);
    expect(genesis.document.name).toBe('test consortium');
    expect(genesis.validators.validators.map((v) => v.id)).toEqual(
      genesis.document.validators.map((v) => genesisAccountId(crypto, v.accountKey)),
    );
  });

  test('no change of a single byte is accepted', () => {
    const accepted: number[] = [];
    for (let i = 0; i < genesis.bytes.length; i++) {
      const changed = genesis.bytes.slice();
      changed[i]! ^= 1;
      try {
        decodeGenesis(crypto, changed);
        accepted.push(i);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
    }
    expect(accepted).toEqual([]);
  }, 120_000);

  test('may give a validator a standby key', async () => {
    const standbyKey = generateKeyPair('ed25519', random).publicKey;
    expect(await fault(withValidator(0, { standbyKey }))).toBe('none');
  });
});

describe('refused, with the field named', () => {
  test('a name that differs from another only in ASCII case', async () => {
    expect(await fault(withValidator(1, { name: 'OPERATOR' }))).toBe('genesis.validators: a name is used twice');
  });

  test.each(['accountKey', 'consensusKey', 'standbyKey'] as const)(
    'the operator key as %s of a validator',
    async (field) => {
      expect(await fault(withValidator(1, { [field]: operator.publicKey }))).toBe(
        'genesis.validators: a key is used twice',
      );
    },
  );

  test('one key for account and consensus', async () => {
    const { accountKey } = genesis.document.validators[0]!;
    expect(await fault(withValidator(0, { consensusKey: accountKey }))).toContain('a key is used twice');
  });

  test('one TLS key for two validators', async () => {
    const { nodeKey } = genesis.document.validators[0]!;
    expect(await fault(withValidator(1, { nodeKey }))).toContain('a nodeKey is used twice');
  });

  test.each(['accountKey', 'consensusKey'] as const)(
    'one key for TLS and as %s, of whichever validator',
    async (name) => {
      const nodeKey = spkiHash(crypto, genesis.document.validators[0]![name]);
      for (const index of [0, 1])
        expect(await fault(withValidator(index, { nodeKey }))).toContain('a nodeKey is that of');
    },
  );

  test.each([
    ['minBlockIntervalMs', { minBlockIntervalMs: 3_001 }, 'above blockIntervalMs'],
    ['maxPruned', { maxPruned: 4_999 }, 'below maxBlockTransactions'],
    ['maxBlockBytes', { maxBlockBytes: 69_999 }, 'allowed 70000'],
  ])('parameters.%s', async (field, fields, message) => {
    const said = await fault(withParameters(fields));
    expect(said).toContain(message);
    expect(said).toContain(field === 'maxBlockBytes' ? '' : field);
  });

  test('no validator, power 0, a foreign version', async () => {
    expect(await fault((d) => ({ ...d, validators: [] }))).not.toBe('none');
    expect(await fault(withValidator(0, { power: 0 }))).not.toBe('none');
    expect(await fault((d) => ({ ...d, protocolVersion: 2 as never }))).not.toBe('none');
  });

  test('a signature by somebody else', async () => {
    const other = generateKeyPair('ed25519', random);
    const bytes = await signGenesis(crypto, genesis.document, async (m) => SUITES.ed25519.sign(other.secretKey, m));
    expect(() => decodeGenesis(crypto, bytes)).toThrow("the operator's signature does not verify");
  });

  test('an unprotected header, a detached payload', () => {
    const parts = (decode(genesis.bytes, { maxBytes: 1e6, maxDepth: 12, maxItems: 50_000 }) as Tag).value as never[];
    for (const [index, value] of [
      [1, new Map([[4, 1]])],
      [2, null],
    ] as const) {
      const bytes = encode(new Tag(18, parts.map((part, i) => (i === index ? value : part)) as never));
      expect(() => decodeGenesis(crypto, bytes)).toThrow(CodecError);
    }
  });
});
