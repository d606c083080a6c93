import { expect, test } from 'vitest';
import { Keyring, setChange } from '../../../test/ledger/set-changes.ts';
import { crypto, keyPair, legal, World } from '../../../test/ledger/world.ts';
import { createdAccountId } from '../../chain/identifiers.ts';
import { ADMIT_VALIDATOR, type AdmitValidator, admitValidatorBody } from '../../chain/operations/admit-validator.ts';
import type { Operation } from '../../chain/transaction.ts';

const body: AdmitValidator = {
  name: 'Newcomer',
  key: keyPair('newcomer').publicKey,
  legal,
  quota: { max: 1_000_000, periodMs: 86_400_000 },
};
const admit = (fields: Partial<AdmitValidator> = {}): Operation => ({
  type: ADMIT_VALIDATOR,
  body: admitValidatorBody.encode({ ...body, ...fields }),
});

test('an account under a legal document, and no power until the validators give it some', async () => {
  const world = await World.open({ validators: 4 });
  const before = world.store.validators;
  const bytes = world.transaction(world.operator, [admit()]);
  const { events, header } = await world.applied(bytes);
  const id = createdAccountId(crypto, world.parse(bytes).transaction, 0);
  expect(world.account({ id, key: body.key })).toEqual({ kind: 'validator', ...body, created: world.store.height });
  expect(events).toEqual([[0, 0, 'governance.validatorAdmitted', new Map([['account', id]])]]);
  expect(header.nextValidatorsHash).toEqual(before.hash);
  const validators = [...before.validators, { id, power: 1, keys: [keyPair('consensus').publicKey] as const }];
  const approvers = new Keyring(world.members.validators).approvers(before);
  const change = setChange(world.store, { validators, effectiveHeight: world.next + 1, approvers });
  await world.applied(world.transaction({ id, key: body.key }, [change]));
  expect(world.store.validators.validators).toEqual(validators);
});

test('nobody but the operator admits, the validators neither', async () => {
  const world = await World.open();
  const partner = await world.partner('partner');
  const user = await world.user(partner, 'ann', { level: 'certificate' });
  for (const sender of [partner, user, world.validator]) {
    const { refusals } = world.execute([world.transaction(sender, [admit()])]);
    expect(refusals[0]).toEqual({ code: 'NOT_PERMITTED', detail: 'governance.admitValidator' });
  }
});

test('names and keys are unique, consensus keys among them', async () => {
  const world = await World.open();
  const code = async (fields: Partial<AdmitValidator>) =>
    (await world.block([world.transaction(world.operator, [admit(fields)])])).executed.results[0]![0];
  expect(await code({ name: 'Validator 0' })).toBe(2101);
  expect(await code({ key: world.members.validators[0]!.publicKey })).toBe(2102);
  expect(await code({})).toBe(0);
  expect(await code({ name: 'other' })).toBe(2102);
});

test('a body without legal document is no body', () => {
  expect(() => admit({ legal: undefined as never })).toThrow('legal');
});
