/**
 * One pass over an LMDB data file in the order of the disk, which says of most pages at once that they are whole: four
 * times quicker than to read each where the tree refers to it. It says so only of what `data-file.ts` would accept, page
 * by page; of everything else it says nothing, and that is read and judged there.
 */
import { readSync } from 'node:fs';

/** Nothing is said: free, damaged, a branch, or a leaf that refers to long values. */
const UNKNOWN = 0;
/** A leaf whose entries all lie within it. */
export const WHOLE_LEAF = 1;
/** The head of a long value of one page. */
export const SHORT_OVERFLOW = 2;

const READ_BYTES = 1024 * 1024;
const PAGE_HEADER = 24;
const P_LEAF = 0x02;
const P_OVERFLOW = 0x04;
const F_BIGDATA = 0x01;

/** What is known of each page of the file. Layout as in data-file.ts, in words of 16 bits, little-endian. */
export function scanPages(fd: number, pages: number, pageSize: number): Uint8Array {
  const kinds = new Uint8Array(pages);
  const words = new Uint16Array(Math.max(READ_BYTES, pageSize) / 2);
  const pagesAtOnce = words.byteLength / pageSize;
  for (let first = 0; first < pages; first += pagesAtOnce) {
    const whole = Math.floor(readSync(fd, words, 0, words.byteLength, first * pageSize) / pageSize);
    for (let i = 0; i < whole && first + i < pages; i++) kinds[first + i] = kindOf(words, i, first + i, pageSize);
  }
  return kinds;
}

/** Of the page at place `place` in `words`. */
function kindOf(words: Uint16Array, place: number, page: number, pageSize: number): number {
  const start = (place * pageSize) / 2;
  const [low, high] = [words[start]! + words[start + 1]! * 2 ** 16, words[start + 2]! + words[start + 3]! * 2 ** 16];
  if (low + high * 2 ** 32 !== page) return UNKNOWN;
  const flags = words[start + 9]! & 0x0fff;
  if (flags === P_LEAF) return isWholeLeaf(words, start, pageSize) ? WHOLE_LEAF : UNKNOWN;
  const isShort = words[start + 10] === 1 && words[start + 11] === 0;
  return flags === P_OVERFLOW && isShort ? SHORT_OVERFLOW : UNKNOWN;
}

function isWholeLeaf(words: Uint16Array, start: number, pageSize: number): boolean {
  const [lower, upper] = [words[start + 10]!, words[start + 11]!];
  if (lower % 2 !== 0 || lower > upper || upper > pageSize - PAGE_HEADER) return false;
  for (let i = 0; i < lower / 2; i++) {
    const node = words[start + PAGE_HEADER / 2 + i]! + PAGE_HEADER;
    if (node % 2 !== 0 || node < PAGE_HEADER + upper || node + 8 > pageSize) return false;
    const at = start + node / 2;
    const size = words[at]! + words[at + 1]! * 2 ** 16;
    if ((words[at + 2]! & F_BIGDATA) !== 0 || node + 8 + words[at + 3]! + size > pageSize) return false;
  }
  return true;
}
