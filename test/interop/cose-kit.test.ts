/**
 * Transparent statements checked by an independent COSE library, cose-kit: the statement's own signature, and that of
 * each receipt over the root that this file computes from leaf and path. CBOR by cborg; none of our verifying code.
 */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { decode, encode, Tagged } from 'cborg';
import { coseVerify } from 'cose-kit';
import { beforeAll, describe, expect, it } from 'vitest';
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { REGISTER, registerBody } from '../../node-core/chain/operations/evidence.ts';
import { encodeReceipt } from '../../node-core/chain/receipt.ts';
import { transparentStatement } from '../../node-core/chain/scitt.ts';
import { toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { keyId } from '../../node-core/crypto/keys.ts';
import type { PublicKey } from '../../node-core/crypto/provider.ts';
import { SyntheticChain } from '../proofs/synthetic-chain.ts';

type Parts = [
  protectedBytes: Uint8Array,
  unprotected: Map<number, unknown>,
  payload: Uint8Array | null,
  signature: Uint8Array,
];

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

function sign1(bytes: Uint8Array): Parts {
  const [, tag] = [bytes[0], decode(bytes, { useMaps: true, tags: { 18: Tagged.decoder(18) } }) as Tagged];
  expect(tag).toBeInstanceOf(Tagged);
  return tag.value as Parts;
}

const header = (protectedBytes: Uint8Array) => decode(protectedBytes, { useMaps: true }) as Map<number, unknown>;
const withPayload = ([protectedBytes, , , signature]: Parts, payload: Uint8Array) =>
  encode(new Tagged(18, [protectedBytes, new Map(), payload, signature]));

function nodeKey({ suite, bytes }: PublicKey): KeyObject {
  const text = (part: Uint8Array) => Buffer.from(part).toString('base64url');
  const jwk =
    suite === 'p256'
      ? { kty: 'EC', crv: 'P-256', x: text(bytes.subarray(1, 33)), y: text(bytes.subarray(33)) }
      : { kty: 'OKP', crv: 'Ed25519', x: text(bytes) };
  return createPublicKey({ key: jwk, format: 'jwk' });
}

/** RFC 9162 §2.1.3.2, written again. */
function rootOf(leaf: Uint8Array, size: number, index: number, path: Uint8Array[]): Uint8Array {
  let [fn, sn, root] = [index, size - 1, leaf];
  for (const step of path) {
    if (fn % 2 === 1 || fn === sn) {
      root = sha256(Uint8Array.of(1), step, root);
      for (; fn % 2 === 0 && fn !== 0; fn >>= 1) sn >>= 1;
    } else {
      root = sha256(Uint8Array.of(1), root, step);
    }
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  expect(sn).toBe(0);
  return root;
}

async function statementOf(suite: 'p256' | 'ed25519') {
  const chain = await SyntheticChain.make(crypto, `cose-kit ${suite}`, { suite, standby: true });
  const body = registerBody.encode({ digests: new Map([['sha-256', crypto.hash('sha-256', utf8('a file'))]]) });
  const operation = { type: REGISTER, body };
  for (let height = 1; height < 7; height++) chain.block(height, [chain.transaction([operation])]);
  const block = chain.block(7, [chain.transaction([operation]), chain.transaction([operation])]);
  const anchor = chain.anchor(
    block,
    chain.certify(
      block,
      [
        [0, 0],
        [1, 1],
        [3, 0],
      ],
      { round: 2 },
    ),
  );
  const receipt = encodeReceipt(chain.receipt(block, 0, anchor));
  const keys = new Map(
    chain.genesis.validators.validators.flatMap((v) => v.keys.map((key) => [toHex(keyId(crypto, key)), key] as const)),
  );
  return { chain, block, receipt, statement: transparentStatement(crypto, receipt), keys };
}

describe.each(['p256', 'ed25519'] as const)('a transparent statement with receipts signed by %s', (suite) => {
  let made: Awaited<ReturnType<typeof statementOf>>;
  let parts: Parts;
  let leaf: Uint8Array;

  beforeAll(async () => {
    made = await statementOf(suite);
    parts = sign1(made.statement);
    const [protectedBytes, , payload, signature] = parts;
    leaf = sha256(Uint8Array.of(0), encode(new Tagged(18, [protectedBytes, new Map(), payload, signature])));
  });

  it('is a signed statement that verifies with the key of its issuer (RFC 9943 §6)', async () => {
    const claims = header(parts[0]).get(15) as Map<number, unknown>;
    expect([typeof claims.get(1), typeof claims.get(2)]).toEqual(['string', 'string']);
    const { isValid } = await coseVerify(made.statement, nodeKey(made.chain.partner.publicKey));
    expect(isValid).toBe(true);
  });

  it('has only receipts in its unprotected header, each a tagged COSE_Sign1 in a byte string (RFC 9942 §4.3)', () => {
    expect([...parts[1].keys()]).toEqual([394]);
    const receipts = parts[1].get(394) as Uint8Array[];
    expect(receipts).toHaveLength(3);
    for (const receipt of receipts) {
      const [protectedBytes, unprotected, payload] = sign1(receipt);
      const fields = header(protectedBytes);
      expect(fields.get(395)).toBe(1);
      expect(fields.get(1)).toBe(suite === 'p256' ? -7 : -8);
      expect(fields.get(4)).toBeInstanceOf(Uint8Array);
      expect([...(fields.get(15) as Map<number, string>).keys()]).toEqual([1, 2]);
      expect([...unprotected.keys()]).toEqual([396]);
      expect([...(unprotected.get(396) as Map<number, unknown>).keys()]).toEqual([-1]);
      expect(payload).toBeNull();
    }
  });

  it('carries receipts whose every signature verifies over the root of leaf and path', async () => {
    for (const receipt of parts[1].get(394) as Uint8Array[]) {
      const own = sign1(receipt);
      const [proof] = (own[1].get(396) as Map<number, Uint8Array[]>).get(-1)!;
      const [size, index, path] = decode(proof!) as [number, number, Uint8Array[]];
      expect(path.length).toBeGreaterThan(0);
      const root = rootOf(leaf, size, index, path);
      const key = nodeKey(made.keys.get(toHex(header(own[0]).get(4) as Uint8Array))!);
      expect((await coseVerify(withPayload(own, root), key)).isValid).toBe(true);
      const other = rootOf(sha256(Uint8Array.of(0), utf8('another statement')), size, index, path);
      expect((await coseVerify(withPayload(own, other), key)).isValid).toBe(false);
    }
  });

  it('is made of receipts that hold together and are of an applied transaction only', () => {
    const { chain, block, receipt } = made;
    const bad = receipt.slice();
    bad[bad.length - 1]! ^= 1;
    expect(() => transparentStatement(crypto, bad)).toThrow(BropError);
    expect(() => transparentStatement(crypto, utf8('nothing'))).toThrow(/PROOF_FORM|canonical/);
    const rejected = chain.block(8, [...block.transactions], { codes: [2202, 0] });
    expect(() => transparentStatement(crypto, chain.receiptBytes(rejected, 0))).toThrow(/rejected/);
  });
});
