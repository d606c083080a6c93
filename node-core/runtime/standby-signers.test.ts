import { expect, it } from 'vitest';
import type { Certificate } from '../chain/certificate.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import { StandbySigners } from './standby-signers.ts';

const id = (fill: number) => new Uint8Array(20).fill(fill);
const setOf = (...fills: readonly number[]) =>
  ({ validators: fills.map((fill) => ({ id: id(fill), power: 1, keys: [] })) }) as unknown as ValidatorSet;
const by = (...signers: readonly (readonly [index: number, key: 0 | 1])[]): Certificate => [
  0,
  signers.map(([index, key]) => [index, key, new Uint8Array(64)] as const),
];

it('names who last signed with a standby key, until they sign with the primary one or leave the set', () => {
  const set = setOf(1, 2, 3, 4);
  const signers = new StandbySigners();
  signers.saw(set, by([0, 0], [1, 1], [2, 1]));
  expect(signers.list(set)).toEqual([id(2), id(3)]);
  // A certificate need not hold everybody: who is not in it has not gone back.
  signers.saw(set, by([0, 0], [1, 0], [3, 0]));
  expect(signers.list(set)).toEqual([id(3)]);
  expect(signers.list(setOf(1, 2))).toEqual([]);
  // Places in a set change; accounts do not.
  signers.saw(setOf(3, 1), by([0, 0]));
  expect(signers.list(set)).toEqual([]);
});
