import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { SHORT_OVERFLOW, scanPages, WHOLE_LEAF } from './page-scan.ts';

/*
 * Looks at an LMDB data file before LMDB maps it. LMDB trusts its file: a missing page is a SIGBUS and a damaged one
 * may be a SIGSEGV, which no JavaScript can catch. So the meta pages are always checked, and all tree pages are walked
 * when that is cheap or when the file is shorter than its meta page says. (A sound file may be: pages at the end that
 * were freed in the transaction that took them are never written. mdb.c: "Actually the file may be shorter if the
 * freeDB lists the final pages".) Values are not checked, there are no checksums; the ledger's own hashes do that.
 *
 * Layout: lmdb 3.5.6, dependencies/lmdb/libraries/liblmdb/mdb.c, MDB_page_header, MDB_meta, MDB_db, MDB_node,
 * MDB_ovpage; 64-bit little-endian, data version 2.
 */
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const PAGE_HEADER = 24;
const META_SIZE = 144;
const NO_ROOT = 0xffff_ffff_ffff_ffffn;
const P_BRANCH = 0x01;
const P_LEAF = 0x02;
const P_OVERFLOW = 0x04;
const P_META = 0x08;
const F_BIGDATA = 0x01;
const OVERFLOW_REFERENCE = 24;

interface Meta {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly transaction: number;
  /** Root pages of the free list and of the main tree; null when empty. */
  readonly roots: readonly (number | null)[];
  readonly depths: readonly number[];
}

interface DataFile {
  readonly fd: number;
  readonly path: string;
  readonly pages: number;
  readonly meta: Meta;
  /** What is known of each page already. */
  readonly kinds: Uint8Array;
}

/**
 * @param scan says beforehand which pages are whole; replaced in a test.
 * @throws {StoreError} 'corrupt', saying what is wrong and where.
 */
export function checkDataFile(path: string, walkUpToBytes: number, scan = scanPages): void {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const meta = readMetas(fd, path);
    const used = (meta.lastPage + 1) * meta.pageSize;
    if (size >= used && used > walkUpToBytes) return;
    const pages = Math.floor(size / meta.pageSize);
    const file = { fd, path, meta, pages, kinds: scan(fd, pages, meta.pageSize) };
    for (let tree = 0; tree < 2; tree++) {
      const root = meta.roots[tree];
      if (root !== null && root !== undefined) walk(file, root, meta.depths[tree] ?? 0);
    }
  } finally {
    closeSync(fd);
  }
}

/** The newer of the two meta pages. They are written in turn, so that their transactions are n and n − 1. */
function readMetas(fd: number, path: string): Meta {
  const first = readMeta(fd, path, 0, 0);
  const second = readMeta(fd, path, 1, first.pageSize);
  const [even, odd] = [first.transaction, second.transaction];
  const newest = even > odd ? first : second;
  const inTurn = (even === 0 && odd === 0) || (even % 2 === 0 && odd % 2 === 1 && Math.abs(even - odd) === 1);
  if (first.pageSize !== second.pageSize || !inTurn) {
    throw damaged(path, `its two heads do not belong together (transactions ${even} and ${odd})`);
  }
  return newest;
}

function readMeta(fd: number, path: string, page: number, offset: number): Meta {
  const bytes = Buffer.alloc(PAGE_HEADER + META_SIZE);
  if (readSync(fd, bytes, 0, bytes.length, offset) !== bytes.length) throw damaged(path, `it ends at head ${page}`);
  if (bytes.readUInt16LE(18) !== P_META || bytes.readUInt32LE(24) !== MAGIC) {
    throw damaged(path, `head ${page} is not one of LMDB`);
  }
  if (bytes.readUInt32LE(28) !== DATA_VERSION) {
    throw damaged(path, `its format is version ${bytes.readUInt32LE(28)}, not ${DATA_VERSION}`);
  }
  const pageSize = bytes.readUInt32LE(48);
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) {
    throw damaged(path, `head ${page} has a page size of ${pageSize}`);
  }
  return {
    pageSize,
    roots: [root(bytes, 88), root(bytes, 136)],
    depths: [bytes.readUInt16LE(54), bytes.readUInt16LE(102)],
    lastPage: uint64(bytes, 144),
    transaction: uint64(bytes, 152),
  };
}

/** Visits every page that can be reached from `start`, each of which must be whole and what its parent says it is. */
function walk(file: DataFile, start: number, depth: number): void {
  const stack = [{ page: start, level: 1 }];
  let visited = 0;
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { page, level } = next;
    if (++visited > file.pages) throw damaged(file.path, 'its tree has a loop');
    if (level === depth && page <= file.meta.lastPage && file.kinds[page] === WHOLE_LEAF) continue;
    const bytes = readPage(file, page);
    const flags = bytes.readUInt16LE(18) & 0x0fff;
    if (flags !== (level === depth ? P_LEAF : P_BRANCH)) {
      throw damaged(file.path, `page ${page} is of kind ${flags} at level ${level} of ${depth}`);
    }
    for (const node of nodes(file, page, bytes)) {
      if (flags === P_LEAF) checkLeaf(file, page, bytes, node);
      else stack.push({ page: childPage(bytes, node), level: level + 1 });
    }
  }
}

function readPage(file: DataFile, page: number): Buffer {
  const { pageSize } = file.meta;
  if (page < 2 || page > file.meta.lastPage || page >= file.pages) {
    throw damaged(file.path, `page ${page} is missing: the file has ${file.pages} pages. It has been cut off`);
  }
  const bytes = Buffer.allocUnsafe(pageSize);
  if (readSync(file.fd, bytes, 0, pageSize, page * pageSize) !== pageSize || uint64(bytes, 0) !== page) {
    throw damaged(file.path, `page ${page} has been overwritten`);
  }
  return bytes;
}

function nodes(file: DataFile, page: number, bytes: Buffer): number[] {
  const lower = bytes.readUInt16LE(20);
  const upper = bytes.readUInt16LE(22);
  if (lower % 2 !== 0 || lower > upper || upper > bytes.length - PAGE_HEADER) {
    throw damaged(file.path, `page ${page} has an impossible layout`);
  }
  return Array.from({ length: lower / 2 }, (_, index) => {
    const node = bytes.readUInt16LE(PAGE_HEADER + 2 * index) + PAGE_HEADER;
    const fits = node >= PAGE_HEADER + upper && node + 8 <= bytes.length;
    if (!fits || node + 8 + bytes.readUInt16LE(node + 6) > bytes.length) {
      throw damaged(file.path, `page ${page} has an impossible entry`);
    }
    return node;
  });
}

function childPage(bytes: Buffer, node: number): number {
  return bytes.readUInt32LE(node) + bytes.readUInt16LE(node + 4) * 2 ** 32;
}

function checkLeaf(file: DataFile, page: number, bytes: Buffer, node: number): void {
  const size = bytes.readUInt32LE(node);
  const big = (bytes.readUInt16LE(node + 4) & F_BIGDATA) !== 0;
  const data = node + 8 + bytes.readUInt16LE(node + 6);
  if (data + (big ? OVERFLOW_REFERENCE : size) > bytes.length) {
    throw damaged(file.path, `page ${page} has an entry that runs over its end`);
  }
  if (!big) return;
  const first = uint64(bytes, data);
  const isKnown = first <= file.meta.lastPage && file.kinds[first] === SHORT_OVERFLOW;
  if (isKnown && PAGE_HEADER + size <= bytes.length) return;
  const head = readPage(file, first);
  const count = head.readUInt32LE(20);
  if ((head.readUInt16LE(18) & P_OVERFLOW) === 0 || count * head.length < PAGE_HEADER + size) {
    throw damaged(file.path, `page ${first} is not the long value that page ${page} refers to`);
  }
  if (first + count > file.pages) throw damaged(file.path, `the long value at page ${first} has been cut off`);
}

function root(bytes: Buffer, offset: number): number | null {
  return bytes.readBigUInt64LE(offset) === NO_ROOT ? null : uint64(bytes, offset);
}

function uint64(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * 2 ** 32;
}

function damaged(path: string, what: string): StoreError {
  return new StoreError('corrupt', `${path} is damaged: ${what}`);
}
