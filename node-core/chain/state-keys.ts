/** Keys of the authenticated state: deterministic CBOR arrays, the first item naming the family. */
import { encode } from '../codec/cbor.ts';
import type { AccountId } from './identifiers.ts';

export const stateKey = {
  account: (id: AccountId) => encode(['account', id]),
  accountByName: (name: string) => encode(['name', name]),
  accountByKey: (keyId: Uint8Array) => encode(['key', keyId]),
  quota: (id: AccountId) => encode(['quota', id]),
  /** @param stem of (sender, nonce). */
  transaction: (stem: Uint8Array) => encode(['tx', stem]),
  prunedThrough: () => encode(['prunedThrough']),
  validators: () => encode(['validators']),
  nextValidators: () => encode(['nextValidators']),
  node: (nodeKey: Uint8Array) => encode(['node', nodeKey]),
  nodes: (id: AccountId) => encode(['nodes', id]),
  schema: (id: Uint8Array) => encode(['schema', id]),
  subject: (registrant: AccountId, subject: string) => encode(['subject', registrant, subject]),
} as const;
