import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accountIdToText } from '../codec/account-id.ts';
import { equal } from '../codec/bytes.ts';
import { type CborValue, decode, encode, Tag } from '../codec/cbor.ts';
import { label } from '../crypto/cose-labels.ts';
import { generateKeyPair } from '../crypto/generate.ts';
import type { SuiteName } from '../crypto/provider.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { SUITES } from '../crypto/suites.ts';
import {
  decodeTransaction,
  finishTransaction,
  MAX_TRANSACTION_BYTES,
  prepareTransaction,
  signedMessage,
  type Transaction,
  type TransactionDraft,
} from './transaction.ts';

const CHAIN = new Uint8Array(32).fill(7);
const draft: TransactionDraft = {
  chain: CHAIN,
  protocolVersion: 1,
  sender: new Uint8Array(20).fill(1),
  label: 'lot 7',
  nonce: new Uint8Array(32).fill(2),
  expiry: 100,
  operations: [{ type: 'evidence.register', body: new Map([['digests', new Map([['sha-256', CHAIN]])]]) }],
};

let drawn = 1;
const pair = (suite: SuiteName) => generateKeyPair(suite, (n) => new Uint8Array(n).fill(drawn++));
const keys = { p256: pair('p256'), ed25519: pair('ed25519'), sm2: pair('sm2') };

function signed(fields: Partial<TransactionDraft> = {}, suite: SuiteName = 'ed25519'): Uint8Array {
  const { publicKey, secretKey } = keys[suite];
  const unsigned = prepareTransaction(crypto, { ...draft, ...fields }, publicKey);
  return finishTransaction(unsigned, SUITES[suite].sign(secretKey, unsigned.message));
}

const read = (bytes: Uint8Array) => decodeTransaction(bytes, CHAIN, 1);
const codeOf = (bytes: Uint8Array) => {
  const result = read(bytes);
  return 'code' in result ? result.code : 'ok';
};
const verifies = (suite: SuiteName, t: Transaction) =>
  crypto.verify(keys[suite].publicKey, signedMessage(t), t.signature);

const body: fc.Arbitrary<CborValue> = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.maxSafeInteger(),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array({ maxLength: 40 }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'grapheme' }), tie('value'), { maxKeys: 4 }).map((o) => new Map(Object.entries(o))),
  ),
})).value;

const anyDraft: fc.Arbitrary<Partial<TransactionDraft>> = fc.record({
  sender: fc.uint8Array({ minLength: 20, maxLength: 20 }),
  label: fc.stringMatching(/^[ -~]{1,64}$/),
  nonce: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  expiry: fc.maxSafeNat(),
  operations: fc.array(fc.record({ type: fc.stringMatching(/^[a-z]{1,9}\.[a-zA-Z]{1,20}$/), body }), {
    minLength: 1,
    maxLength: 5,
  }),
});

describe('round trip', () => {
  test.each(['p256', 'ed25519', 'sm2'] as const)(
    '%s: what was drafted comes out, and the signature verifies',
    (suite) => {
      const result = read(signed({}, suite)) as Transaction;
      expect(result).toMatchObject({ ...draft, suite });
      expect(verifies(suite, result)).toBe(true);
    },
  );

  test('any draft (property)', () => {
    fc.assert(
      fc.property(anyDraft, (fields) => {
        const unsigned = prepareTransaction(crypto, { ...draft, ...fields }, keys.ed25519.publicKey);
        const bytes = finishTransaction(unsigned, new Uint8Array(64));
        const result = read(bytes) as Transaction;
        expect(result).toMatchObject({ ...draft, ...fields });
        expect(equal(result.bytes, bytes) && equal(signedMessage(result), unsigned.message)).toBe(true);
      }),
    );
  });

  test('the bytes that are passed on are the very bytes that came', () => {
    const bytes = signed();
    expect((read(bytes) as Transaction).bytes).toBe(bytes);
  });
});

describe('a protected header that has decoded before', () => {
  test('says the same again, and does not keep the transaction that it came in', () => {
    const first = read(signed({ label: 'seen twice' })) as Transaction;
    const again = read(signed({ label: 'seen twice', nonce: new Uint8Array(32).fill(9) })) as Transaction;
    const { nonce: _, bytes, signature, ...rest } = again;
    expect(first).toMatchObject(rest);
    expect(again.keyId.buffer).not.toBe(bytes.buffer);
    expect(verifies('ed25519', again)).toBe(true);
  });

  test('is judged anew for another chain and another version', () => {
    const bytes = signed({ label: 'seen twice' });
    expect(codeOf(bytes)).toBe('ok');
    expect(decodeTransaction(bytes, new Uint8Array(32), 1)).toMatchObject({ code: 'TX_WRONG_CHAIN' });
    expect(decodeTransaction(bytes, CHAIN, 2)).toMatchObject({ code: 'TX_WRONG_VERSION' });
  });

  test('is forgotten when there are too many, and decodes again', () => {
    const bytes = signed({ label: 'seen twice' });
    expect(codeOf(bytes)).toBe('ok');
    for (let i = 0; i < 1_001; i++) {
      const unsigned = prepareTransaction(crypto, { ...draft, label: `number ${i}` }, keys.ed25519.publicKey);
      expect(codeOf(finishTransaction(unsigned, new Uint8Array(64)))).toBe('ok');
    }
    expect(codeOf(bytes)).toBe('ok');
  });
});

describe('hostile bytes', () => {
  test.each(['p256', 'ed25519', 'sm2'] as const)(
    '%s: no change of a single byte still verifies',
    (suite) => {
      const bytes = signed({}, suite);
      const survivors: number[] = [];
      const flips = suite === 'ed25519' ? [0x01, 0x20, 0x80] : [0x01];
      for (let i = 0; i < bytes.length; i++) {
        for (const flip of flips) {
          const changed = bytes.slice();
          changed[i]! ^= flip;
          const result = read(changed);
          // A change of the sender or the chain is found by its code or by the signature, never by chance.
          if (!('code' in result) && verifies(suite, result)) survivors.push(i);
        }
      }
      expect(survivors).toEqual([]);
    },
    120_000,
  );

  test('random bytes never throw (property)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => 'code' in read(bytes)),
      { numRuns: 2_000 },
    );
  });

  test('random changes of real bytes never throw (property)', () => {
    const bytes = signed();
    const at = fc.nat({ max: bytes.length - 1 });
    const change = fc.tuple(at, fc.nat({ max: 255 }), fc.constantFrom('set', 'cut', 'insert'));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        let now = [...bytes];
        for (const [index, value, how] of changes) {
          if (how === 'set') now[index] = value;
          else if (how === 'cut') now = now.slice(0, index);
          else now.splice(index, 0, value);
        }
        const result = read(Uint8Array.from(now));
        expect(['string', 'undefined']).toContain(typeof ('code' in result ? result.code : undefined));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('form', () => {
  type Parts = [Uint8Array, CborValue, Uint8Array, Uint8Array];
  const rebuilt = (change: (parts: Parts) => CborValue[]): Uint8Array => {
    const parts = (decode(signed()) as Tag).value as unknown as Parts;
    return encode(new Tag(18, change(parts)));
  };
  const withHeader = (change: (map: Map<number | string, CborValue>) => void) =>
    rebuilt(([head, unprotected, payload, signature]) => {
      const map = new Map(decode(head) as Map<number | string, CborValue>);
      change(map);
      return [encode(map), unprotected, payload, signature];
    });
  const withPayload = (payload: CborValue) =>
    rebuilt(([head, unprotected, , signature]) => [head, unprotected, encode(payload), signature]);
  const row: CborValue = ['a.b', null];

  test.each<[string, string, () => Uint8Array]>([
    ['TX_TOO_LARGE', 'one byte too many', () => new Uint8Array(MAX_TRANSACTION_BYTES + 1)],
    ['TX_MALFORMED', 'nothing at all', () => new Uint8Array(0)],
    ['TX_MALFORMED', 'a byte after the end', () => Uint8Array.from([...signed(), 0])],
    ['TX_SCHEMA', 'no tag', () => encode((decode(signed()) as Tag).value)],
    ['TX_SCHEMA', 'another tag', () => encode(new Tag(17, (decode(signed()) as Tag).value))],
    ['TX_SCHEMA', 'something unprotected', () => rebuilt(([h, , p, s]) => [h, new Map([[5, h]]), p, s])],
    ['TX_MALFORMED', 'a label in both headers', () => rebuilt(([h, , p, s]) => [h, new Map([[4, h]]), p, s])],
    ['TX_SCHEMA', 'a detached payload', () => rebuilt(([h, u, , s]) => [h, u, null, s])],
    ['TX_SCHEMA', 'a short signature', () => rebuilt(([h, u, p, s]) => [h, u, p, s.slice(1)])],
    ['TX_SCHEMA', 'an unknown header', () => withHeader((map) => map.set(99, 1))],
    [
      'TX_SCHEMA',
      'an unknown header instead of a known one',
      () => withHeader((map) => map.set(99, 1).delete(label.kid)),
    ],
    ['TX_SCHEMA', 'a critical header', () => withHeader((map) => map.set(label.crit, [99]).set(99, 1))],
    ['TX_SCHEMA', 'an unknown algorithm', () => withHeader((map) => map.set(label.alg, -35))],
    [
      'TX_SCHEMA',
      'the type of a vote',
      () => withHeader((map) => map.set(label.typ, 'application/vnd.brop.precommit')),
    ],
    ['TX_SCHEMA', 'a key ID of 15 bytes', () => withHeader((map) => map.set(label.kid, new Uint8Array(15)))],
    [
      'TX_SCHEMA',
      'no label',
      () => withHeader((map) => map.set(label.cwtClaims, new Map([[1, accountIdToText(draft.sender)]]))),
    ],
    [
      'TX_SCHEMA',
      'a third claim',
      () =>
        withHeader((map) =>
          map.set(label.cwtClaims, new Map([...(map.get(label.cwtClaims) as Map<number, string>), [6, 'x']])),
        ),
    ],
    [
      'TX_SCHEMA',
      'a sender with a typing error',
      () =>
        withHeader((map) =>
          map.set(
            label.cwtClaims,
            new Map([
              [1, accountIdToText(draft.sender).replace(/.$/, 'q')],
              [2, 'x'],
            ]),
          ),
        ),
    ],
    ['TX_WRONG_CHAIN', 'another chain', () => withHeader((map) => map.set(label.chain, new Uint8Array(32)))],
    ['TX_WRONG_VERSION', 'another version', () => withHeader((map) => map.set(label.protocolVersion, 2))],
    ['TX_SCHEMA', 'a short nonce', () => withPayload([new Uint8Array(31), 5, [row]])],
    ['TX_SCHEMA', 'no operation', () => withPayload([draft.nonce, 5, []])],
    ['TX_SCHEMA', '65 operations', () => withPayload([draft.nonce, 5, Array.from({ length: 65 }, () => row)])],
    ['TX_SCHEMA', 'a negative expiry', () => withPayload([draft.nonce, -1, [row]])],
    ['TX_SCHEMA', 'an expiry beyond 2^53', () => withPayload([draft.nonce, 2n ** 60n, [row]])],
    ['ok', '64 operations', () => withPayload([draft.nonce, 5, Array.from({ length: 64 }, () => row)])],
  ])('%s: %s', (code, _what, make) => {
    expect(codeOf(make())).toBe(code);
  });

  test('a payload that is not canonical is refused, though its signature is good', () => {
    const payload = encode([draft.nonce, 5, [row]]);
    // The expiry 5 in two bytes (0x18 0x05) instead of one.
    const at = 1 + 34;
    expect(payload[at]).toBe(5);
    const long = Uint8Array.from([...payload.slice(0, at), 0x18, 5, ...payload.slice(at + 1)]);
    expect(codeOf(rebuilt(([h, u, , s]) => [h, u, long, s]))).toBe('TX_NON_CANONICAL');
  });

  test('nesting beyond the limit is refused as malformed', () => {
    let deep: CborValue = 0;
    for (let i = 0; i < 20; i++) deep = [deep];
    expect(codeOf(withPayload([draft.nonce, 5, [['a.b', deep]]]))).toBe('TX_MALFORMED');
  });

  test('a draft out of bounds is refused before it is signed', () => {
    for (const fields of [{ nonce: new Uint8Array(31) }, { operations: [] }, { expiry: -1 }, { label: '' }]) {
      expect(() => prepareTransaction(crypto, { ...draft, ...fields }, keys.p256.publicKey)).toThrow();
    }
  });
});
