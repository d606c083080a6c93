import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { HashAlgorithm } from '../node-core/crypto/provider.ts';
import { pureCrypto } from '../node-core/crypto/pure.ts';
import { digestOf, type FileSource } from './digest.ts';

const ALL: HashAlgorithm[] = ['sha-256', 'sha-512', 'sha3-256', 'sm3'];
const file = Uint8Array.from({ length: 200_001 }, (_, i) => (i * 31) % 251);
const expected = new Map(ALL.map((algorithm) => [algorithm, pureCrypto.hash(algorithm, file)]));

const pieces = [file.subarray(0, 1), file.subarray(1, 70_000), new Uint8Array(0), file.subarray(70_000)];
async function* generator() {
  yield* pieces;
}

it.each<[string, () => FileSource]>([
  ['bytes', () => file],
  ['a Node Buffer', () => Buffer.from(file)],
  ['a Blob', () => new Blob([file])],
  ['a web stream', () => new Blob([file]).stream()],
  ['a Node stream', () => Readable.from(pieces)],
  ['a generator', generator],
])('digests of %s', async (_, source) => {
  expect(await digestOf(source(), ALL)).toEqual(expected);
});

it('is SHA-256 by default, and each algorithm once', async () => {
  expect([...(await digestOf(file)).keys()]).toEqual(['sha-256']);
  expect(await digestOf(file, ['sm3', 'sm3'])).toEqual(new Map([['sm3', expected.get('sm3')]]));
});

it('may hash with node:crypto', async () => {
  const digests = await digestOf(file, ALL, (algorithm) => createHash(algorithm.replace('sha-', 'sha')));
  expect(digests).toEqual(expected);
});

it('passes on what a stream fails with', async () => {
  const broken = Readable.from(
    (async function* () {
      yield file;
      throw new Error('the disk is gone');
    })(),
  );
  await expect(digestOf(broken)).rejects.toThrow('the disk is gone');
});
