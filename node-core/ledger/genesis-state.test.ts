import { expect, test } from 'vitest';
import { type Actor, crypto, keyPair, op, partnerBody, World } from '../../test/ledger/world.ts';
import { CODES } from '../chain/codes.ts';
import { generateKeyPair } from '../crypto/generate.ts';
import { accountOf, createRefusal, quotaOf } from './accounts.ts';
import { genesisState } from './genesis-state.ts';

test('operator and validators have accounts, with legal document and full quota', async () => {
  const world = await World.open({ validators: 2 });
  const { document } = world.genesis;
  const state = genesisState(crypto, world.genesis);
  const expected = [
    ['operator', world.operator, document.operator],
    ['validator', world.validator, document.validators[0]!],
  ] as const;
  for (const [kind, { id }, { accountKey, name, legal, quota }] of expected) {
    expect(accountOf(state, id)).toEqual({ kind, key: accountKey, name, legal, quota, created: 0 });
    expect(quotaOf(state, id)).toEqual({ points: quota.max, remainder: 0, timeMs: document.timeMs });
  }
});

test('every key of the genesis is taken: account, consensus and standby keys', async () => {
  const world = await World.open();
  const standbyKey = generateKeyPair('ed25519', (n) => new Uint8Array(n).fill(77)).publicKey;
  const { document } = world.genesis;
  const validators = document.validators.map((v) => ({ ...v, standbyKey }));
  const state = genesisState(crypto, { ...world.genesis, document: { ...document, validators } });
  const { accountKey, consensusKey } = document.validators[0]!;
  for (const key of [document.operator.accountKey, accountKey, consensusKey, standbyKey]) {
    expect(createRefusal(crypto, state, { key })?.code).toBe('KEY_IN_USE');
  }
});

test('nobody takes the name or a key of a participant of the genesis', async () => {
  const world = await World.open();
  const { consensusKey } = world.genesis.document.validators[0]!;
  const admit = (sender: Actor, name: string, key = keyPair(name).publicKey) =>
    world.transaction(sender, [op.admit(partnerBody(name, { key }))]);
  const { executed } = await world.block([
    admit(world.operator, 'OPERATOR'),
    admit(world.operator, 'Validator 0'),
    admit(world.operator, 'squatter', consensusKey),
    admit(world.operator, 'itself', world.operator.key),
  ]);
  const { NAME_TAKEN, KEY_IN_USE } = CODES;
  expect(executed.results.map(([code]) => code)).toEqual([
    NAME_TAKEN.number,
    NAME_TAKEN.number,
    KEY_IN_USE.number,
    KEY_IN_USE.number,
  ]);
});
