import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Packing } from '../../node-core/ports/key-value-store.ts';

export const MAX_VALUE_BYTES = 64 * 1024 * 1024;

/** Levels 2 and 3 make the blocks of a chain no shorter: what repeats in them is found at once, the rest is random. */
const PACK = {
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
};

/**
 * The output is bounded while it comes, so that damage cannot become memory; and so is the window that a head may ask
 * for: 8 MiB, which is what every decoder is to support (RFC 8878 section 3.1.1.1.2), where level 1 uses 512 KiB.
 */
const UNPACK = { params: { [constants.ZSTD_d_windowLogMax]: 23 }, maxOutputLength: MAX_VALUE_BYTES };

/** Values as Zstandard frames (RFC 8878) with a checksum of their content: 4 bytes, by which most damage shows. */
export const zstdPacking: Packing = {
  pack: (bytes) => plain(zstdCompressSync(bytes, PACK)),
  unpack: (packed) => {
    try {
      return plain(zstdDecompressSync(packed, UNPACK));
    } catch (error) {
      if (isOfData(error)) return null;
      throw error;
    }
  },
};

/** Memory that the system refuses is no damage. */
function isOfData(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (code === 'ERR_BUFFER_TOO_LARGE' || code === 'Z_BUF_ERROR') return true;
  return typeof code === 'string' && code.startsWith('ZSTD_error_') && code !== 'ZSTD_error_memory_allocation';
}

/** Own bytes: what zlib gives is a Buffer, and often the beginning of a much longer one. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer);
}
