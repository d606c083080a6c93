/** `--add`, `--remove`, `--rotate` and `--standby`: from the set in force to the one proposed. */
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { MAX_POWER, type Validator, type ValidatorSet, validatorSet } from '../../node-core/chain/validator-set.ts';
import { accountIdFromText, accountIdToText } from '../../node-core/codec/account-id.ts';
import { equal } from '../../node-core/codec/bytes.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import type { Arguments } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { readPublicKey } from '../public-keys.ts';

type Field = 'account' | 'power' | 'key' | 'standby';
type Fields = Partial<Record<Field, string>>;

/** Removes first, then changes keys, then adds: indexes of those who stay keep their order, new ones come last. */
export async function changedSet(current: ValidatorSet, args: Arguments): Promise<ValidatorSet> {
  let validators = current.validators;
  for (const text of args.all('remove')) {
    const gone = memberOf(validators, accountOf(text, 'remove'), 'remove');
    validators = validators.filter((validator) => validator !== gone);
  }
  for (const option of ['rotate', 'standby'] as const) {
    for (const text of args.all(option)) {
      const fields = fieldsOf(text, option, ['account', 'key']);
      const old = memberOf(validators, accountOf(fields.account, option), option);
      const changed = {
        ...old,
        keys: option === 'rotate' ? await rotated(old, fields) : await withStandby(old, fields),
      };
      validators = validators.map((validator) => (validator === old ? changed : validator));
    }
  }
  for (const text of args.all('add')) validators = [...validators, await added(text)];
  const next = setOf(validators);
  if (equal(next.hash, current.hash)) throw new BropError('SET_INVALID', 'give --add, --remove, --rotate or --standby');
  return next;
}

function setOf(validators: readonly Validator[]): ValidatorSet {
  if (validators.length === 0) throw new BropError('SET_INVALID', 'nobody would be left');
  try {
    return validatorSet(nativeCrypto, validators);
  } catch (error) {
    if (error instanceof CodecError) throw new BropError('SET_INVALID', error.message);
    throw error;
  }
}

async function rotated({ keys: [, standby] }: Validator, fields: Fields): Promise<Validator['keys']> {
  const primary = await readPublicKey(needed(fields, 'key', 'rotate'));
  return standby === undefined ? [primary] : [primary, standby];
}

/** Without a key file the standby key is taken away. */
async function withStandby({ keys: [primary] }: Validator, { key }: Fields): Promise<Validator['keys']> {
  return key === undefined ? [primary] : [primary, await readPublicKey(key)];
}

async function added(text: string): Promise<Validator> {
  const fields = fieldsOf(text, 'add', ['account', 'power', 'key', 'standby']);
  const power = needed(fields, 'power', 'add');
  if (!/^[1-9]\d{0,6}$/.test(power) || Number(power) > MAX_POWER)
    throw new ExitError(exit.usage, `--add: power is a whole number from 1 to ${MAX_POWER}`);
  const primary = await readPublicKey(needed(fields, 'key', 'add'));
  const { standby } = fields;
  const keys = standby === undefined ? ([primary] as const) : ([primary, await readPublicKey(standby)] as const);
  return { id: accountOf(fields.account, 'add'), power: Number(power), keys };
}

/** `name=value,name=value`; a path with a comma in it cannot be given. */
function fieldsOf(text: string, option: string, names: readonly Field[]): Fields {
  const fields: Fields = {};
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    const name = names.find((candidate) => candidate === part.slice(0, at));
    if (name === undefined || fields[name] !== undefined || at === part.length - 1)
      throw new ExitError(exit.usage, `--${option} ${text}: it is ${names.map((n) => `${n}=…`).join(',')}`);
    fields[name] = part.slice(at + 1);
  }
  return fields;
}

function needed(fields: Fields, name: Field, option: string): string {
  const value = fields[name];
  if (value === undefined) throw new ExitError(exit.usage, `--${option}: ${name}=… is missing`);
  return value;
}

function accountOf(text: string | undefined, option: string): Uint8Array {
  try {
    return accountIdFromText(text ?? '');
  } catch {
    throw new ExitError(exit.usage, `--${option}: ${text ?? 'nothing'} is not an account ID (brop1…)`);
  }
}

function memberOf(validators: readonly Validator[], id: Uint8Array, option: string): Validator {
  const member = validators.find((validator) => equal(validator.id, id));
  if (member === undefined)
    throw new ExitError(exit.usage, `--${option}: ${accountIdToText(id)} is not a validator of the set in force`);
  return member;
}
