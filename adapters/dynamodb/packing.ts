/**
 * Content of items as Zstandard frames (RFC 8878): each KiB of an item is billed, and of the transactions in a block a good
 * half is the same in all of them. Which bytes come out depends on the version of the library: what is compared is content.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** Higher levels find no more in blocks: what repeats is found at once, the rest is random. */
const PACK = { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 } };
/** What every decoder is to support (RFC 8878 section 3.1.1.1.2): a damaged head cannot ask for more memory. */
const WINDOW_LOG = 23;

export function packed(content: Uint8Array): Uint8Array {
  return new Uint8Array(zstdCompressSync(content, PACK));
}

/** @throws {Error} for what is no frame, is damaged, or has more content than `maxBytes` */
export function unpacked(frame: Uint8Array, maxBytes: number): Uint8Array {
  const options = { params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG }, maxOutputLength: maxBytes };
  return new Uint8Array(zstdDecompressSync(frame, options));
}
