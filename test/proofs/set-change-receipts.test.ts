// Receipts of a chain whose validators have changed three times by governance.setValidators: those of before, between and
// after the changes verify from the genesis hash alone, here, through the SDK and in Python.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { createdAccountId } from '../../node-core/chain/identifiers.ts';
import { ADMIT_VALIDATOR, admitValidatorBody } from '../../node-core/chain/operations/admit-validator.ts';
import { decodeReceipt, encodeReceipt, verifyReceipt } from '../../node-core/chain/receipt.ts';
import type { Operation } from '../../node-core/chain/transaction.ts';
import type { Validator } from '../../node-core/chain/validator-set.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { Queries } from '../../node-core/runtime/queries.ts';
import { verifyReceipt as verifyWithSdk } from '../../sdk/verify.ts';
import { Python } from '../interop/python.ts';
import { Keyring, setChange } from '../ledger/set-changes.ts';
import { crypto, evidenceBody, keyPair, legal, op, partnerBody, World } from '../ledger/world.ts';
import { certificateBy } from '../simulation/certified.ts';

const QUOTA = { max: 1_000_000, periodMs: 86_400_000 };
const text = (when: string) => new TextEncoder().encode(`registered ${when}`);

/** What a receipt has to say, by when it was packed. */
const EXPECTED = {
  before: { changes: 0, powers: [1, 1, 1, 1] },
  'in the last block of the old set': { changes: 0, powers: [1, 1, 1, 1] },
  'in the first block of the new set': { changes: 1, powers: [1, 1, 1] },
  'after the second change': { changes: 2, powers: [1, 1, 1, 5] },
  'under the first set again': { changes: 3, powers: [1, 1, 1, 1] },
} as const;
type When = keyof typeof EXPECTED;

let world: World;
let keyring: Keyring;
let python: Python;
const receipts = new Map<string, Uint8Array>();

/** A block with real signatures, by more than two thirds and not by all of the set that is in force. */
async function packed(sender: { id: Uint8Array; key: ReturnType<typeof keyPair> }, operation: Operation) {
  const { store } = world;
  const actor = { id: sender.id, key: sender.key.publicKey };
  const bytes = world.transaction(actor, [operation], { signWith: sender.key });
  const { validators, totalPower } = store.validators;
  const signers: Parameters<typeof certificateBy>[2][number][] = [];
  for (const [i, validator] of [...validators.entries()].reverse()) {
    const power = signers.reduce((sum, signer) => sum + signer.validator.power, 0);
    if (3 * power <= 2 * totalPower) signers.unshift({ index: i, validator, key: keyring.of(validator.keys[0]) });
  }
  const { executed } = await world.block([bytes], 1_000, (block) => certificateBy(world.genesis, block, signers));
  expect(executed.results.map(([code]) => code)).toEqual([0]);
  const { transaction } = world.parse(bytes);
  const queries = new Queries(crypto, {} as never, { store } as never);
  return { transaction, receipt: async () => (await queries.receipt(transaction.sender, transaction.nonce))! };
}

beforeAll(async () => {
  python = new Python();
  world = await World.open({ validators: 4 });
  keyring = new Keyring([...world.members.validators, keyPair('rotated'), keyPair('newcomer')]);
  const operator = { id: world.operator.id, key: world.members.operator };
  const admitted = await packed(operator, op.admit(partnerBody('partner')));
  const partner = { id: createdAccountId(crypto, admitted.transaction, 0), key: keyPair('partner') };
  const validator = { name: 'newcomer', key: keyPair('newcomer account').publicKey, legal, quota: QUOTA };
  const body = admitValidatorBody.encode(validator);
  const joined = await packed(operator, { type: ADMIT_VALIDATOR, body });
  const newcomer: Validator = {
    id: createdAccountId(crypto, joined.transaction, 0),
    power: 5,
    keys: [keyPair('newcomer').publicKey],
  };
  const pending: [When, () => Promise<Uint8Array>][] = [];
  const register = async (when: When) => {
    const digests = new Map([['sha-256', crypto.hash('sha-256', text(when))]] as const);
    pending.push([when, (await packed(partner, op.register(evidenceBody('', { digests })))).receipt]);
  };
  const change = (validators: readonly Validator[], ahead: number) => {
    const approvers = keyring.approvers(world.store.validators);
    return packed(operator, setChange(world.store, { validators, effectiveHeight: world.next + ahead, approvers }));
  };
  const [first, second, third] = world.store.validators.validators as [Validator, Validator, Validator];
  const three = [first, { ...second, keys: [keyPair('rotated').publicKey] as const }, third];
  await register('before');
  await change(three, 2);
  await register('in the last block of the old set');
  await register('in the first block of the new set');
  await change([...three, newcomer], 1);
  await register('after the second change');
  await change(world.genesis.validators.validators, 1);
  await register('under the first set again');
  // Asked for when all the changes are known, so that those of later heights could slip in.
  for (const [when, receipt] of pending) receipts.set(when, await receipt());
});
afterAll(() => python.close());

const pythonOn = (receipt: Uint8Array, when: When) =>
  python.run('verify_receipt.py', [
    python.file(receipt),
    python.file(text(when)),
    '--genesis',
    toHex(world.genesis.hash),
  ]);

describe.each(Object.keys(EXPECTED) as When[])('a receipt %s', (when) => {
  const { changes, powers } = EXPECTED[when];

  test('holds the changes before it and no other, and leads to the set that signed it', () => {
    const facts = verifyReceipt(nativeCrypto, receipts.get(when)!, world.genesis.hash);
    if ('code' in facts) throw new Error(`${facts.code} ${facts.detail}`);
    expect(facts.receipt.setChanges).toEqual(world.store.setChanges().slice(0, changes));
    expect(facts.trusted.validators.validators.map(({ power }) => power)).toEqual(powers);
  });

  test('verifies through the SDK, with the file', async () => {
    const genesisHash = toHex(world.genesis.hash);
    const verdict = await verifyWithSdk(receipts.get(when)!, { genesisHash, file: text(when) });
    expect(verdict).toMatchObject({ ok: true, validators: powers.length });
  });

  test('verifies in Python; without one of its changes, or with one in another place, nowhere', async () => {
    expect(await pythonOn(receipts.get(when)!, when)).toMatchObject({ exitCode: 0 });
    const receipt = decodeReceipt(receipts.get(when)!);
    const { setChanges } = receipt;
    const wrong = [
      ...setChanges.map((_, i) => setChanges.filter((_change, j) => j !== i)),
      ...(changes > 1 ? [[...setChanges].reverse()] : []),
      [...setChanges, ...world.store.setChanges().slice(changes, changes + 1), ...setChanges.slice(-1)],
    ];
    for (const list of wrong) {
      const bytes = encodeReceipt({ ...receipt, setChanges: list });
      expect(verifyReceipt(crypto, bytes, world.genesis.hash)).toMatchObject({ code: 'PROOF_VALIDATORS' });
      expect(await pythonOn(bytes, when)).toMatchObject({ exitCode: 12 });
    }
    expect(wrong.length).toBeGreaterThan(0);
  });
});
