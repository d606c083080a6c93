/**
 * Used nonces: (sender, nonce) → [expiry, height, code]. They go in ascending order of expiry, and within one
 * by height, once more than `nonceRetention` heights have passed since the expiry; `prunedThrough` is the highest expiry of which an entry has gone. While an
 * entry is kept, a replay is refused by it; afterwards by the expiry itself, which is behind every block to come.
 */
import { type AccountId, accountId, nonce as nonceBytes } from '../chain/identifiers.ts';
import type { Parameters } from '../chain/parameters.ts';
import { stateKey } from '../chain/state-keys.ts';
import { decode, encode } from '../codec/cbor.ts';
import { literal, tuple, uint } from '../codec/schema.ts';
import type { StateLayer, StateReader } from './state.ts';

const usedNonce = tuple(uint(), uint({ min: 1 }), uint({ max: 9_999 }));

const nonceKey = tuple(literal('nonce'), accountId, nonceBytes);
/** Head of the array, head of the text, the text. */
const NONCE_KEY_START = stateKey.nonce(new Uint8Array(0), new Uint8Array(0)).subarray(0, 7);

export interface UsedNonce {
  readonly expiry: number;
  readonly height: number;
  /** 0: applied; otherwise the number of the rejection. */
  readonly code: number;
}

export interface ExpiringNonce {
  readonly expiry: number;
  /** Of the block that packed it. */
  readonly height: number;
  readonly sender: AccountId;
  readonly nonce: Uint8Array;
}

export function usedNonceOf(state: StateReader, sender: AccountId, nonce: Uint8Array): UsedNonce | undefined {
  const bytes = state.get(stateKey.nonce(sender, nonce));
  if (bytes === undefined) return undefined;
  const [expiry, height, code] = usedNonce.decode(decode(bytes), 'nonce');
  return { expiry, height, code };
}

/** What an entry of the state says about the order of removal; null for an entry that is no nonce. */
export function expiringNonceOf(key: Uint8Array, value: Uint8Array): ExpiringNonce | null {
  for (const [i, byte] of NONCE_KEY_START.entries()) if (key[i] !== byte) return null;
  const [, sender, nonce] = nonceKey.decode(decode(key), 'nonce key');
  const [expiry, height] = usedNonce.decode(decode(value), 'nonce');
  return { expiry, height, sender, nonce };
}

export function encodeUsedNonce(used: UsedNonce): Uint8Array {
  return encode(usedNonce.encode([used.expiry, used.height, used.code]));
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
  for (const { sender, nonce } of removed) layer.remove(stateKey.nonce(sender, nonce));
  layer.set(stateKey.prunedThrough(), encode(last.expiry));
  return removed;
}

/** null: no entry has ever been removed. */
export function prunedThroughOf(state: StateReader): number | null {
  const bytes = state.get(stateKey.prunedThrough());
  return bytes === undefined ? null : uint().decode(decode(bytes), 'prunedThrough');
}
