import { createHash } from 'node:crypto';
import { utf8 } from '../../../node-core/codec/bytes.ts';
import type { KeyValueStore, Write } from '../../../node-core/ports/key-value-store.ts';

/** 1 to 1,500 parts, so that some batches are longer than what lmdb-js hands to its thread at once. */
function partsOf(n: number): number {
  return n % 17 === 0 ? 1_500 : 1 + (n % 40);
}

function valueFor(n: number, part: number): Uint8Array {
  const seed = createHash('sha256').update(`${n}/${part}`).digest();
  return new Uint8Array(part % 25 === 7 ? 6_000 : 200).map((_, index) => seed[index % 32]!);
}

/** Batch n also deletes what batch n − 20 put, so that pages are freed and used again. */
export function batch(n: number): Write[] {
  const puts = Array.from({ length: partsOf(n) }, (_, part) => ({ key: key(n, part), value: valueFor(n, part) }));
  const deletes =
    n > 20 ? Array.from({ length: partsOf(n - 20) }, (_, part) => ({ key: key(n - 20, part), value: null })) : [];
  return [...puts, ...deletes, { key: utf8('head'), value: utf8(String(n)) }];
}

export function headOf(store: KeyValueStore): number {
  const bytes = store.get(utf8('head'));
  return bytes === undefined ? 0 : Number(new TextDecoder('utf-8').decode(bytes));
}

/** Every way in which the store is not exactly what batches 1 to `head` leave behind. */
export function faults(store: KeyValueStore, head: number): string[] {
  const found: string[] = [];
  let expected = 1;
  for (let n = Math.max(1, head - 19); n <= head; n++) {
    for (let part = 0; part < partsOf(n); part++, expected++) {
      const value = store.get(key(n, part));
      if (value === undefined) found.push(`part ${part} of batch ${n} is missing`);
      else if (Buffer.compare(value, valueFor(n, part)) !== 0) found.push(`part ${part} of batch ${n} is wrong`);
    }
  }
  const entries = [...store.range(new Uint8Array(0), new Uint8Array(512).fill(0xff))].length;
  if (head > 0 && entries !== expected) found.push(`${entries} entries instead of ${expected}`);
  return found;
}

function key(n: number, part: number): Uint8Array {
  return utf8(`b/${String(n).padStart(8, '0')}/${part}`);
}
