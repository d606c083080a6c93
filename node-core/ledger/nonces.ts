/**
 * Used nonces: each packed transaction has an entry with its expiry (chain/transaction-entry.ts). One that has left no
 * records goes: in ascending order of expiry, and within one by height, once more than `nonceRetention` heights have
 * passed since the expiry; `prunedThrough` is the highest expiry of which an entry has gone. While an entry is kept, a
 * replay is refused by it; afterwards by the expiry itself, which is behind every block to come.
 */
import { STEM_BYTES } from '../chain/identifiers.ts';
import type { Parameters } from '../chain/parameters.ts';
import { stateKey } from '../chain/state-keys.ts';
import { decodeTransactionEntry, type TransactionEntry } from '../chain/transaction-entry.ts';
import { decode, encode } from '../codec/cbor.ts';
import { uint } from '../codec/schema.ts';
import type { StateLayer, StateReader } from './state.ts';

/** The keys of entries have one length, and are the same up to the stem. */
const ENTRY_KEY = stateKey.transaction(new Uint8Array(STEM_BYTES));
const STEM_AT = ENTRY_KEY.length - STEM_BYTES;

export interface ExpiringNonce {
  readonly expiry: number;
  /** Of the block that packed it. */
  readonly height: number;
  /** Of (sender, nonce). */
  readonly stem: Uint8Array;
}

export function usedNonceOf(state: StateReader, stem: Uint8Array): TransactionEntry | undefined {
  const bytes = state.get(stateKey.transaction(stem));
  return bytes === undefined ? undefined : decodeTransactionEntry(bytes);
}

/** What an entry of the state says about the order of removal; null for one that does not go. */
export function expiringNonceOf(key: Uint8Array, value: Uint8Array): ExpiringNonce | null {
  if (key.length !== ENTRY_KEY.length) return null;
  for (let i = 0; i < STEM_AT; i++) if (key[i] !== ENTRY_KEY[i]) return null;
  const { expiry, height, left } = decodeTransactionEntry(value);
  return left === null ? { expiry, height, stem: key.slice(STEM_AT) } : null;
}

/**
 * Removes what block `height` has to remove, at most `maxPruned` entries, and moves `prunedThrough` to the highest
 * expiry among them. It moves only when an entry goes: as long as p < e, every entry with expiry e that was ever made is
 * still there, and at a height not below e none can be made any more, so that an absence proves "never packed".
 * @param expiring entries with expiry up to the given height, at most `limit`, ascending by (expiry, height, hash of the
 *   state key): the order in which blocks and snapshots bring them (ADR 0012).
 */
export function pruneNonces(
  layer: StateLayer,
  parameters: Parameters,
  height: number,
  expiring: (through: number, limit: number) => Iterable<ExpiringNonce>,
): readonly ExpiringNonce[] {
  const through = height - 1 - parameters.nonceRetention;
  if (through < 1) return [];
  const removed = [...expiring(through, parameters.maxPruned)];
  const last = removed.at(-1);
  if (last === undefined) return removed;
  for (const { stem } of removed) layer.remove(stateKey.transaction(stem));
  layer.set(stateKey.prunedThrough(), encode(last.expiry));
  return removed;
}

/** null: no entry has ever been removed. */
export function prunedThroughOf(state: StateReader): number | null {
  const bytes = state.get(stateKey.prunedThrough());
  return bytes === undefined ? null : uint().decode(decode(bytes), 'prunedThrough');
}
