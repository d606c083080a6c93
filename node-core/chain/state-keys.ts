/** Keys of the authenticated state: deterministic CBOR arrays, the first item naming the family. */
import { encode } from '../codec/cbor.ts';
import type { AccountId } from './identifiers.ts';

export const stateKey = {
  account: (id: AccountId) => encode(['account', id]),
  accountByName: (name: string) => encode(['name', name]),
  accountByKey: (keyId: Uint8Array) => encode(['key', keyId]),
  quota: (id: AccountId) => encode(['quota', id]),
  nonce: (sender: AccountId, nonce: Uint8Array) => encode(['nonce', sender, nonce]),
  prunedThrough: () => encode(['prunedThrough']),
  record: (recordId: Uint8Array) => encode(['record', recordId]),
  validators: () => encode(['validators']),
  nextValidators: () => encode(['nextValidators']),
  node: (nodeKey: Uint8Array) => encode(['node', nodeKey]),
  nodes: (id: AccountId) => encode(['nodes', id]),
  subject: (registrant: AccountId, subject: string) => encode(['subject', registrant, subject]),
} as const;
