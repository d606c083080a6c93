import { concat } from '../codec/bytes.ts';
import type { Hash } from './hash-type.ts';

/** Nearly everything that is hashed behind a prefix fits: headers, entries, small transactions. */
const memory = new Uint8Array(1_024);
/** The beginning of it, by its length: views cost as much as a short hash. */
const views: (Uint8Array | undefined)[] = new Array(memory.length + 1);

/** H(prefix ‖ bytes), put together in memory that is used again: {@link Hash} promises not to keep it. */
export function prefixedHash(hash: Hash, prefix: Uint8Array, bytes: Uint8Array): Uint8Array {
  const length = prefix.length + bytes.length;
  if (length > memory.length) return hash(concat(prefix, bytes));
  let view = views[length];
  if (view === undefined) {
    view = memory.subarray(0, length);
    views[length] = view;
  }
  view.set(prefix);
  view.set(bytes, prefix.length);
  return hash(view);
}
