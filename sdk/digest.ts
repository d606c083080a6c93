/** Digests of files of any size, read once, in pieces, for several algorithms together. */
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { sha3_256 } from '@noble/hashes/sha3.js';
import type { HashAlgorithm } from '../node-core/crypto/provider.ts';
import { sm3 } from '../node-core/crypto/sm3.ts';

/** Bytes, a browser's File or Blob, a web stream, or a stream of Node. */
export type FileSource = Uint8Array | Blob | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

export interface Hasher {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

const PURE: Readonly<Record<HashAlgorithm, () => Hasher>> = {
  'sha-256': () => sha256.create(),
  'sha-512': () => sha512.create(),
  'sha3-256': () => sha3_256.create(),
  sm3: () => sm3.create(),
};

export const pureHasher = (algorithm: HashAlgorithm): Hasher => PURE[algorithm]();

/**
 * @param hasherOf `(name) => createHash(…)` of node:crypto is some five times faster where there is one.
 * @example
 * const digests = await digestOf(file, ['sha-256', 'sm3']);
 * await client.evidence.register({ digests, mediaType: 'application/pdf' });
 */
export async function digestOf(
  source: FileSource,
  algorithms: Iterable<HashAlgorithm> = ['sha-256'],
  hasherOf: (algorithm: HashAlgorithm) => Hasher = pureHasher,
): Promise<ReadonlyMap<HashAlgorithm, Uint8Array>> {
  const hashers = [...new Set(algorithms)].map((algorithm) => [algorithm, hasherOf(algorithm)] as const);
  for await (const piece of piecesOf(source)) for (const [, hasher] of hashers) hasher.update(piece);
  // A copy: what node:crypto gives is a Buffer, whose `slice` does not copy.
  return new Map(hashers.map(([algorithm, hasher]) => [algorithm, Uint8Array.from(hasher.digest())]));
}

export async function* piecesOf(source: FileSource): AsyncGenerator<Uint8Array> {
  if (source instanceof Uint8Array) yield source;
  else if (source instanceof Blob) yield* readerPieces(source.stream());
  else if ('getReader' in source) yield* readerPieces(source);
  else yield* source;
}

/** Web streams are not iterable in every browser. */
async function* readerPieces(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel();
  }
}
