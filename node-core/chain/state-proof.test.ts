import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type SyntheticBlock, SyntheticChain } from '../../test/proofs/synthetic-chain.ts';
import { utf8 } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { transactionStem } from './identifiers.ts';
import { stateKey } from './state-keys.ts';
import {
  type ExpiryCertificate,
  encodeExpiryCertificate,
  encodeStateProof,
  expirySchema,
  type StateProofFile,
  stateProofSchema,
  verifyExpiryCertificate,
  verifyStateProof,
} from './state-proof.ts';

const LIMITS = { maxBytes: 1_000_000, maxDepth: 12, maxItems: 10_000 };
const PRESENT = encode(['filler', 3]);
const ABSENT = utf8('nowhere');

let chain: SyntheticChain;
let block: SyntheticBlock;

beforeAll(async () => {
  chain = await SyntheticChain.make(crypto, 'state proofs');
  block = chain.block(50, []);
});

describe('state proofs', () => {
  const open = (key: Uint8Array) => stateProofSchema.decode(decode(chain.stateProof(block, key), LIMITS), '');
  const outcome = (file: StateProofFile, expectedKey?: Uint8Array) => {
    const result = verifyStateProof(crypto, encodeStateProof(file), chain.genesis.hash, expectedKey);
    return 'code' in result ? result.code : result.value;
  };

  it('show presence and absence', () => {
    expect(outcome(open(PRESENT), PRESENT)).toEqual(encode(3));
    expect(outcome(open(ABSENT), ABSENT)).toBeNull();
    const path = chain.statePath(ABSENT);
    expect(path[0].length).toBeGreaterThan(2);
  });

  it('show them on a chain whose state is hashed with SM3', async () => {
    const sm3 = await SyntheticChain.make(crypto, 'sm3', { stateHash: 'sm3', suite: 'sm2' });
    const own = sm3.block(50, []);
    for (const key of [PRESENT, ABSENT]) {
      expect(verifyStateProof(crypto, sm3.stateProof(own, key), sm3.genesis.hash, key)).toHaveProperty('trusted');
    }
  });

  it('show nothing about another key, nor another value', () => {
    const { entry, ...rest } = open(PRESENT);
    expect(outcome({ ...rest, entry: { ...entry, value: encode(4) } })).toBe('PROOF_INCLUSION');
    expect(outcome({ ...rest, entry: { ...entry, value: null } })).toBe('PROOF_INCLUSION');
    expect(outcome({ ...rest, entry: { ...entry, key: encode(['filler', 4]) } })).toBe('PROOF_INCLUSION');
    expect(outcome(open(PRESENT), ABSENT)).toBe('PROOF_INCLUSION');
    expect(outcome(open(ABSENT), utf8('elsewhere'))).toBe('PROOF_INCLUSION');
  });

  it('have one form: no empty sibling more, none less, no leaf of another place', () => {
    const { entry, ...rest } = open(ABSENT);
    const [siblings, leaf] = entry.path;
    const zeros = new Uint8Array(32);
    const other = chain.statePath(encode(['filler', 4]));
    expect(other).not.toEqual(entry.path);
    for (const [i, path] of [
      [[...siblings, zeros], leaf],
      [siblings.slice(1), leaf],
      [siblings.slice(0, -1), leaf],
      [[...siblings].reverse(), leaf],
      [siblings, other[1]],
      [siblings, leaf === null ? [zeros, zeros] : null],
      [[], null],
      other,
    ].entries()) {
      const changed = path as typeof entry.path;
      expect(outcome({ ...rest, entry: { ...entry, path: changed } }), `path ${i}`).toBe('PROOF_INCLUSION');
    }
  });

  it('are about the state of the header they come with', () => {
    const later = chain.block(51, [], { stateRoot: crypto.hash('sha-256', utf8('another state')) });
    expect(outcome({ ...open(PRESENT), ...chain.anchor(later) })).toBe('PROOF_INCLUSION');
    expect(outcome({ ...open(PRESENT), certificate: chain.certify(later) })).toBe('PROOF_CERTIFICATE');
  });
});

describe('expiry certificates', () => {
  let of: { readonly sender: Uint8Array; readonly nonce: Uint8Array; readonly expiry: number };

  beforeEach(() => {
    of = { sender: chain.partnerId, nonce: chain.random(32), expiry: 40 };
  });

  /** The state says `prunedThrough`; the block is made after that. */
  function certificate(prunedThrough: number | null, height = 50): ExpiryCertificate {
    chain.set(stateKey.prunedThrough(), prunedThrough === null ? null : encode(prunedThrough));
    const own = chain.block(height, []);
    return expirySchema.decode(decode(chain.expiryCertificate(own, of, prunedThrough), LIMITS), '');
  }

  const outcome = (file: ExpiryCertificate, expected?: typeof of) => {
    const result = verifyExpiryCertificate(crypto, encodeExpiryCertificate(file), chain.genesis.hash, expected);
    return 'code' in result ? result.code : 'never packed';
  };

  it('hold from the expiry height on, as long as nonces of that expiry are kept', () => {
    expect(outcome(certificate(null), of)).toBe('never packed');
    expect(outcome(certificate(null, 40), of)).toBe('never packed');
    expect(outcome(certificate(39), of)).toBe('never packed');
  });

  it('below the expiry height', () => {
    expect(outcome(certificate(null, 39))).toBe('PROOF_NOT_EXPIRED');
    const early = certificate(null, 30);
    expect(outcome({ ...early, expiry: 30 }, of)).toBe('PROOF_NOT_EXPIRED');
  });

  it('when nonces of that expiry have been removed', () => {
    expect(outcome(certificate(40))).toBe('PROOF_NOT_EXPIRED');
    expect(outcome(certificate(45))).toBe('PROOF_NOT_EXPIRED');
  });

  it('with prunedThrough said to be lower than it is, or absent', () => {
    const pruned = certificate(45);
    expect(outcome({ ...pruned, prunedThrough: 39 })).toBe('PROOF_INCLUSION');
    expect(outcome({ ...pruned, prunedThrough: null })).toBe('PROOF_INCLUSION');
    const nowhere = chain.statePath(utf8('nowhere'));
    expect(outcome({ ...pruned, prunedThrough: null, prunedThroughPath: nowhere })).toBe('PROOF_INCLUSION');
  });

  it('with prunedThrough proven at another height than the absence', () => {
    const before = certificate(39);
    chain.set(stateKey.transaction(transactionStem(crypto, of)), encode([40, 35, 0]));
    const after = certificate(45, 60);
    expect(outcome({ ...after, prunedThrough: 39, prunedThroughPath: before.prunedThroughPath })).toBe(
      'PROOF_INCLUSION',
    );
    expect(outcome({ ...before, ...{ header: after.header, certificate: after.certificate } })).toBe('PROOF_INCLUSION');
  });

  it('for a nonce that was used', () => {
    chain.set(stateKey.transaction(transactionStem(crypto, of)), encode([40, 35, 0]));
    expect(outcome(certificate(null))).toBe('PROOF_INCLUSION');
    const { absence } = expirySchema.decode(
      decode(chain.expiryCertificate(chain.block(50, []), { ...of, nonce: chain.random(32) }, null), LIMITS),
      '',
    );
    expect(outcome({ ...certificate(null), absence })).toBe('PROOF_INCLUSION');
  });

  it('of another sender, nonce or expiry than the caller asked about', () => {
    const file = certificate(null);
    expect(outcome(file, { ...of, sender: chain.random(20) })).toBe('PROOF_NOT_EXPIRED');
    expect(outcome(file, { ...of, nonce: chain.random(32) })).toBe('PROOF_NOT_EXPIRED');
    expect(outcome(file, { ...of, expiry: 41 })).toBe('PROOF_NOT_EXPIRED');
  });

  /** The reason for `expected`: the transaction below was packed with expiry 40 and forgotten with prunedThrough 45. */
  it('with a later expiry than the transaction had, once its nonce is forgotten, are true but not about it', () => {
    const file = { ...certificate(45, 60), expiry: 50 };
    expect(outcome(file)).toBe('never packed');
    expect(outcome(file, of)).toBe('PROOF_NOT_EXPIRED');
  });

  it('are neither state proofs nor receipts', () => {
    const bytes = encodeExpiryCertificate(certificate(null));
    expect(verifyStateProof(crypto, bytes, chain.genesis.hash)).toMatchObject({ code: 'PROOF_FORM' });
    const proof = chain.stateProof(chain.block(50, []), PRESENT);
    expect(verifyExpiryCertificate(crypto, proof, chain.genesis.hash)).toMatchObject({ code: 'PROOF_FORM' });
  });
});
