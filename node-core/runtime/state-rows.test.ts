import { expect, test } from 'vitest';
import { MemoryStore } from '../../test/simulation/memory-store.ts';
import { fromHex, toHex } from '../codec/bytes.ts';
import { encodeStateRow, pageRowKey, pageRows, stateRowKey, stateRowsUnder } from './state-rows.ts';

const nibbles = (path: string) => Uint8Array.from(path, (digit) => Number.parseInt(digit, 16));
const value = Uint8Array.of(1);
const keyHash = (beginning: string) => fromHex(beginning.padEnd(64, '0'));

async function storeOf(hashes: readonly string[], paths: readonly string[]): Promise<MemoryStore> {
  const kv = new MemoryStore();
  await kv.write([
    ...hashes.map((hash) => ({
      key: stateRowKey(keyHash(hash)),
      value: encodeStateRow({ key: keyHash(hash), value }),
    })),
    ...paths.map((path) => ({ key: pageRowKey(nibbles(path)), value })),
  ]);
  return kv;
}

test('a page lies among the entries under it, and every path has a key of its own', async () => {
  const kv = await storeOf(['ab7f', 'ab9f', 'abc7', 'abc9', 'ac'], ['', 'a', 'ab', 'ab8', 'ab80', 'ab88', 'abc']);
  const keys = [...kv.range(Uint8Array.of(0), Uint8Array.of(255))].map(({ key }) => toHex(key.subarray(1, 4)));
  expect(keys).toEqual('80 a8 ab7f00 ab80 ab8080 ab88 ab8880 ab9f00 abc700 abc8 abc900 ac0000'.split(' '));
  expect([...pageRows(kv)].map(({ path }) => toHex(path))).toEqual(
    ['', 'a', 'ab', 'ab80', 'ab8', 'ab88', 'abc'].map((path) => toHex(nibbles(path))),
  );
});

test('the entries under a path, whatever its length, without the pages among them', async () => {
  const hashes = ['0', '0f', 'ab7', 'abff', 'ac', 'f', 'ff'];
  const kv = await storeOf(hashes, ['', 'a', 'ab', 'f', 'ff']);
  const under = (path: string) => [...stateRowsUnder(kv, path)].map(({ keyHash }) => toHex(keyHash).replace(/0+$/, ''));
  expect(under('')).toEqual(['', '0f', 'ab7', 'abff', 'ac', 'f', 'ff']);
  expect(under('a')).toEqual(['ab7', 'abff', 'ac']);
  expect(under('ab')).toEqual(['ab7', 'abff']);
  expect(under('abf')).toEqual(['abff']);
  expect(under('f')).toEqual(['f', 'ff']);
  expect(under('e')).toEqual([]);
});

test('a path whose key could be that of an entry is refused', () => {
  expect(pageRowKey(new Uint8Array(61))).toHaveLength(32);
  expect(() => pageRowKey(new Uint8Array(62))).toThrow(RangeError);
});
