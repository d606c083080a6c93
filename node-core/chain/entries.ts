/**
 * Entry bundles of the log (https://c2sp.org/tlog-tiles): bundle N holds the leaves 256·N to 256·N + 255, each behind
 * its length as u16 big-endian. Tiles hold the hashes of the same leaves.
 */
import { CodecError } from '../codec/error.ts';
import { partialPath, tilePath } from './tile-path.ts';

export const BUNDLE_WIDTH = 256;
export const MAX_ENTRY_BYTES = 0xffff;
export const MAX_BUNDLE_BYTES = BUNDLE_WIDTH * (2 + MAX_ENTRY_BYTES);

/** `tile/entries/x001/234`, with `.p/<width>` while it has fewer than 256 leaves. */
export function bundlePath(index: number, width: number = BUNDLE_WIDTH): string {
  const path = `tile/entries/${tilePath(index)}`;
  return width === BUNDLE_WIDTH ? path : partialPath(path, width);
}

/** @throws {RangeError} when there are none or more than 256 entries, or one is longer than 65,535 bytes. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length < 1 || entries.length > BUNDLE_WIDTH)
    throw new RangeError(`a bundle of ${entries.length} entries`);
  const out = new Uint8Array(entries.reduce((size, entry) => size + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) throw new RangeError(`an entry of ${entry.length} bytes`);
    out[at] = entry.length >> 8;
    out[at + 1] = entry.length & 0xff;
    out.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return out;
}

/** The entries of a bundle; they share its memory. @throws {CodecError} unless it holds exactly `width` of them. */
export function decodeBundle(bytes: Uint8Array, width: number = BUNDLE_WIDTH): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length && entries.length < width) {
    const end = at + 2 + ((bytes[at]! << 8) | (bytes[at + 1] ?? 0));
    if (end > bytes.length) throw new CodecError('malformed', `ends within entry ${entries.length}`);
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (entries.length !== width) throw new CodecError('schema', `has ${entries.length} entries, not ${width}`);
  if (at !== bytes.length) throw new CodecError('schema', `goes on after entry ${width - 1}`);
  return entries;
}
