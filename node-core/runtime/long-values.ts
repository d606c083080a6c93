/**
 * Long values as rows of at most 4,072 bytes, key ‖ part number: what one page of an embedded store holds beside its head.
 * A longer value needs pages that lie next to each other, which in a store that is much used are hard to find and leave
 * holes behind. Parts of half a page are no better: put before the first row of another kind, each splits a page, and
 * pages stay half empty (2.40 against 2.00 kB of disk for a transaction).
 */
import { concat, equal } from '../codec/bytes.ts';
import type { Reads, Write } from '../ports/key-value-store.ts';

const PART_BYTES = 4_072;
const AFTER_PARTS = Uint8Array.of(0xff, 0xff, 0xff);

/** Values of up to 266 MB. All keys of one kind have the same length. */
export function longValueWrites(key: Uint8Array, value: Uint8Array): Write[] {
  const writes: Write[] = [];
  for (let part = 0; part === 0 || part * PART_BYTES < value.length; part++) {
    writes.push({ key: partKey(key, part), value: value.subarray(part * PART_BYTES, (part + 1) * PART_BYTES) });
  }
  return writes;
}

/** Row by row, which costs the same whatever else is in the store. */
export function longValue(kv: Pick<Reads, 'get'>, key: Uint8Array): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  do {
    const part = kv.get(partKey(key, parts.length));
    if (part === undefined) break;
    parts.push(part);
  } while (parts.at(-1)!.length === PART_BYTES);
  return parts.length > 1 ? concat(...parts) : parts[0];
}

/** Without reading it. */
export function hasLongValue(kv: Reads, key: Uint8Array): boolean {
  return kv.get(partKey(key, 0)) !== undefined;
}

/** The values whose rows are in a range that parts none of them. */
export function* longValuesIn(
  kv: Reads,
  from: Uint8Array,
  to: Uint8Array,
): Generator<{ readonly key: Uint8Array; readonly value: Uint8Array }> {
  let key: Uint8Array | null = null;
  let parts: Uint8Array[] = [];
  for (const row of kv.range(from, to)) {
    const isNext = key === null || !equal(key, row.key.subarray(0, -2));
    if (isNext && key !== null) yield { key, value: concat(...parts) };
    if (isNext) [key, parts] = [row.key.subarray(0, -2), []];
    parts.push(row.value);
  }
  if (key !== null) yield { key, value: concat(...parts) };
}

export function longValueRemoval(kv: Reads, key: Uint8Array): Write[] {
  return [...kv.range(key, concat(key, AFTER_PARTS))].map((row) => ({ key: row.key, value: null }));
}

function partKey(key: Uint8Array, part: number): Uint8Array {
  return concat(key, Uint8Array.of(part >> 8, part & 0xff));
}
