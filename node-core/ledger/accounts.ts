/** Accounts in the state: reading, and the one way in which an account comes into being. */
import { type AccountRecord, canonicalName, decodeAccount, encodeAccount } from '../chain/account.ts';
import { type Refusal, refusal } from '../chain/codes.ts';
import type { AccountId } from '../chain/identifiers.ts';
import { stateKey } from '../chain/state-keys.ts';
import { encode } from '../codec/cbor.ts';
import { keyId } from '../crypto/keys.ts';
import type { CryptoProvider, PublicKey } from '../crypto/provider.ts';
import type { Effects, OperationContext } from './operation-type.ts';
import { decodeQuota, encodeQuota, fullQuota, type Quota } from './quota.ts';
import type { StateReader } from './state.ts';

export function accountOf(state: StateReader, id: AccountId): AccountRecord | undefined {
  const bytes = state.get(stateKey.account(id));
  return bytes === undefined ? undefined : decodeAccount(bytes);
}

/** Every account has a quota from its first moment. */
export function quotaOf(state: StateReader, id: AccountId): Quota {
  const bytes = state.get(stateKey.quota(id));
  if (bytes === undefined) throw new Error('an account without quota');
  return decodeQuota(bytes);
}

/** Entries that {@link createAccount} adds: record, quota, key, and the name if there is one. */
export function accountEntries(name: string | undefined): number {
  return name === undefined ? 3 : 4;
}

/** Names and keys are unique: a signature names its key, and a name that two accounts bear invites fraud. */
export function createRefusal(
  crypto: CryptoProvider,
  state: StateReader,
  { name, key }: Pick<AccountRecord, 'name' | 'key'>,
): Refusal | null {
  const nameKey = name === undefined ? undefined : stateKey.accountByName(canonicalName(name));
  if (nameKey !== undefined && state.get(nameKey) !== undefined) return refusal('NAME_TAKEN');
  if (state.get(stateKey.accountByKey(keyId(crypto, key))) !== undefined) return refusal('KEY_IN_USE');
  return null;
}

/** {@link createRefusal} has been asked before; the ID is one that has never been used. */
export function createAccount(
  { crypto, state, timeMs }: Pick<OperationContext, 'crypto' | 'state' | 'timeMs'>,
  id: AccountId,
  account: AccountRecord,
  effects: Pick<Effects, 'set'>,
): void {
  if (state.get(stateKey.account(id)) !== undefined) throw new Error('an account ID came up twice');
  effects.set(stateKey.account(id), encodeAccount(account));
  effects.set(stateKey.quota(id), encodeQuota(fullQuota(account.quota, timeMs)));
  reserveKey(crypto, id, account.key, effects);
  if (account.name !== undefined) effects.set(stateKey.accountByName(canonicalName(account.name)), encode(id));
}

/** From here on the key belongs to this account, and no other account can take it. */
export function reserveKey(crypto: CryptoProvider, id: AccountId, key: PublicKey, effects: Pick<Effects, 'set'>): void {
  effects.set(stateKey.accountByKey(keyId(crypto, key)), encode(id));
}
