/**
 * What the store knows about used nonces beside the state, which has an entry for each of them.
 *
 * | row | key | value |
 * |---|---|---|
 * | `n` | expiry, height, hash of the first state key | stems of that expiry and height, by the hash of their state key |
 * | `t` | stem | height of a block that packed it, once the state has forgotten it |
 *
 * `n` is the order of removal; it follows from the state. A block writes one row for each expiry in it; the chunks of a
 * snapshot, which are ranges of key hashes, write rows that do not overlap.
 */
import { STEM_BYTES } from '../chain/identifiers.ts';
import { stateKey } from '../chain/state-keys.ts';
import { compare, concat, uint64 } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { uint } from '../codec/schema.ts';
import type { Hash } from '../crypto/hash-type.ts';
import { stateKeyHash } from '../crypto/state-tree.ts';
import type { ExpiringNonce } from '../ledger/nonces.ts';
import type { Reads, Write } from '../ports/key-value-store.ts';
import { uint64At } from './kept-proposals.ts';

const [EXPIRING, PLACE] = [...'nt'].map((letter) => Uint8Array.of(letter.charCodeAt(0))) as [Uint8Array, Uint8Array];
const AFTER_EXPIRING = Uint8Array.of(EXPIRING[0]! + 1);
/** All rows of the order of removal. */
export const EXPIRING_ROWS = [EXPIRING, AFTER_EXPIRING] as const;
/** All rows that say where a pair was packed. */
export const PLACE_ROWS = [PLACE, Uint8Array.of(PLACE[0]! + 1)] as const;

/** The rows of nonces that one write adds to the state. */
export function expiringWrites(stateHash: Hash, added: readonly ExpiringNonce[]): Write[] {
  const groups = new Map<string, { readonly hash: Uint8Array; readonly nonce: ExpiringNonce }[]>();
  for (const nonce of added) {
    const name = `${nonce.expiry}/${nonce.height}`;
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    group.push({ hash: stateKeyHash(stateHash, stateKey.transaction(nonce.stem)), nonce });
  }
  return [...groups.values()].map((group) => {
    const sorted = group.sort((a, b) => compare(a.hash, b.hash)).map(({ nonce }) => nonce);
    return rowOf(stateHash, sorted);
  });
}

/** @param nonces of one expiry and one height, by key hash. */
function rowOf(stateHash: Hash, nonces: readonly ExpiringNonce[]): Write {
  return {
    key: expiringRowKey(stateHash, nonces[0]!),
    value: concat(...nonces.map(({ stem }) => stem)),
  };
}

/** Of the row that begins with this nonce. */
export function expiringRowKey(stateHash: Hash, { expiry, height, stem }: ExpiringNonce): Uint8Array {
  const first = stateKeyHash(stateHash, stateKey.transaction(stem));
  return concat(EXPIRING, uint64(expiry), uint64(height), first);
}

/** The nonces of one row, in the order of their removal. */
export function expiringOf(key: Uint8Array, value: Uint8Array): ExpiringNonce[] {
  const [expiry, height] = [uint64At(key, 1), uint64At(key, 9)];
  const stemAt = (i: number) => value.slice(i * STEM_BYTES, (i + 1) * STEM_BYTES);
  const count = Math.floor(value.length / STEM_BYTES);
  return Array.from({ length: count }, (_, i) => ({ expiry, height, stem: stemAt(i) }));
}

/** Nonces with an expiry up to `through`, at most `limit`, in the order of their removal. */
export function* expiringNonces(kv: Reads, through: number, limit: number): Iterable<ExpiringNonce> {
  let left = limit;
  for (const { key, value } of kv.range(EXPIRING, concat(EXPIRING, uint64(through + 1)))) {
    const nonces = expiringOf(key, value).slice(0, left);
    yield* nonces;
    left -= nonces.length;
    if (left === 0) return;
  }
}

/** @param removed what {@link expiringNonces} has given: the first nonces of all. */
export function removalWrites(stateHash: Hash, kv: Reads, removed: readonly ExpiringNonce[], firstHeight: number) {
  const writes: Write[] = [];
  let left = removed.length;
  if (left === 0) return writes;
  for (const { key, value } of kv.range(EXPIRING, AFTER_EXPIRING)) {
    const rest = expiringOf(key, value);
    left -= rest.splice(0, left).length;
    writes.push({ key, value: null });
    if (rest.length > 0) writes.push(rowOf(stateHash, rest));
    if (left === 0) break;
  }
  // Where it was is of use as long as the block is here.
  const kept = removed.filter(({ height }) => height >= firstHeight);
  writes.push(...kept.map(({ stem, height }) => ({ key: placeKey(stem), value: encode(height) })));
  return writes;
}

/** The height that {@link removalWrites} recorded. */
export function recordedPlace(kv: Reads, stem: Uint8Array): number | undefined {
  const bytes = kv.get(placeKey(stem));
  return bytes === undefined ? undefined : uint().decode(decode(bytes), 'place');
}

/** Forgets where this was packed, unless a later block has packed the pair again. */
export function forgetPlace(kv: Reads, stem: Uint8Array, height: number): Write[] {
  return recordedPlace(kv, stem) === height ? [{ key: placeKey(stem), value: null }] : [];
}

export function stemOfPlace(key: Uint8Array): Uint8Array {
  return key.slice(1);
}

function placeKey(stem: Uint8Array): Uint8Array {
  return concat(PLACE, stem);
}
