/** Certificates that are checked before their blocks are taken. */
import { expect, it } from 'vitest';
import { type Rig, rig } from '../../test/simulation/rig.ts';
import { decodeStoredBlock, type StoredBlock } from '../chain/stored-block.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import type { SignatureCheck } from '../ports/signature-verifier.ts';
import { operationsOf } from '../protocol/table.ts';
import { BlockIntake } from './block-intake.ts';
import { CheckedAhead } from './checked-ahead.ts';
import { Executor } from './executor.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

/** An intake beside the node of the rig, and how many signatures have been checked for it. */
function intakeOf({ store, node: { mempool } }: Rig) {
  let checked = 0;
  const verify = async (checks: readonly SignatureCheck[]) => {
    checked += checks.length;
    return checks.map(({ key, message, signature }) => crypto.verify(key, message, signature));
  };
  const parts = { crypto, store, table: operationsOf(1), verifier: { verify, close: async () => {} }, log };
  const ahead = new CheckedAhead(parts);
  const executor = new Executor({ ...parts, mempool });
  const intake = new BlockIntake({ ...parts, executor, ahead, commit: (...block) => store.commit(...block) });
  return { ahead, intake, checked: () => checked };
}

const nextOf = (r: Rig, signers?: number[]): StoredBlock =>
  decodeStoredBlock(...r.nextBlock(signers === undefined ? {} : { signers }).row);

it('a block whose certificate was checked ahead is taken without another check', async () => {
  const r = await rig({ validators: 4 });
  const { ahead, intake, checked } = intakeOf(r);
  const block = nextOf(r);
  await ahead.check([block]);
  expect([ahead.hasCertified(r.store.validators, block), checked()]).toEqual([true, 4]);
  await intake.take(block);
  expect([r.store.height, checked()]).toEqual([1, 4]);
});

it('by another set than the one in force it was not checked', async () => {
  const r = await rig({ validators: 4 });
  const { ahead } = intakeOf(r);
  const block = nextOf(r);
  await ahead.check([block]);
  const { validators } = r.store;
  expect(ahead.hasCertified({ ...validators, hash: new Uint8Array(32) }, block)).toBe(false);
});

it('one that does not hold is checked again when the block is taken, and refused', async () => {
  const r = await rig({ validators: 4 });
  const { ahead, intake } = intakeOf(r);
  const block = nextOf(r, [0, 1]);
  await ahead.check([block]);
  await expect(intake.take(block)).rejects.toThrow('without a valid certificate');
  expect(r.store.height).toBe(0);
});
