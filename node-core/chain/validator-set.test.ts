import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PublicKey } from '../crypto/provider.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import {
  decodeValidatorSet,
  isQuorum,
  MAX_POWER,
  MAX_VALIDATORS,
  type Validator,
  validatorSet,
} from './validator-set.ts';

const key = (n: number): PublicKey => ({ suite: 'ed25519', bytes: new Uint8Array(32).fill(n) });
const validator = (n: number, power = 1): Validator => ({ id: new Uint8Array(20).fill(n), power, keys: [key(n)] });

describe('the set', () => {
  test('round trip, with and without standby keys; the hash is that of the bytes', () => {
    const set = validatorSet(crypto, [validator(1, 3), { ...validator(2), keys: [key(2), key(102)] }]);
    expect(decodeValidatorSet(crypto, set.bytes)).toEqual(set);
    expect(set.totalPower).toBe(4);
  });

  test('the order of validators is part of it: a certificate names them by index', () => {
    const [a, b] = [validator(1), validator(2)];
    expect(validatorSet(crypto, [a, b]).hash).not.toEqual(validatorSet(crypto, [b, a]).hash);
  });

  test.each([
    ['a validator twice', [validator(1), { ...validator(2), id: validator(1).id }]],
    ['a key of two validators', [validator(1), { ...validator(2), keys: [key(1)] as const }]],
    ['a standby key that is another primary', [validator(1), { ...validator(2), keys: [key(2), key(1)] as const }]],
    ['one key as primary and standby', [{ ...validator(1), keys: [key(1), key(1)] as const }]],
    ['nobody', []],
    ['power 0', [validator(1, 0)]],
    ['too much power', [validator(1, MAX_POWER + 1)]],
    ['101 validators', Array.from({ length: MAX_VALIDATORS + 1 }, (_, i) => validator(i))],
  ])('%s is refused', (_what, validators) => {
    expect(() => validatorSet(crypto, validators)).toThrow();
  });
});

test('a quorum is strictly more than two thirds: two of them share more than a third (property)', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: MAX_POWER }), { minLength: 1, maxLength: 100 }),
      fc.nat(),
      (powers, n) => {
        const set = validatorSet(
          crypto,
          powers.map((power, i) => validator(i + 1, power)),
        );
        const total = BigInt(set.totalPower);
        const power = n % (set.totalPower + 1);
        expect(isQuorum(set, power)).toBe(3n * BigInt(power) > 2n * total);
      },
    ),
  );
  expect(
    isQuorum(
      validatorSet(
        crypto,
        [1, 2, 3].map((n) => validator(n)),
      ),
      2,
    ),
  ).toBe(false);
  expect(
    isQuorum(
      validatorSet(
        crypto,
        [1, 2, 3, 4].map((n) => validator(n)),
      ),
      3,
    ),
  ).toBe(true);
});
