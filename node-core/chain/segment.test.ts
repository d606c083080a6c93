import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat } from '../codec/bytes.ts';
import { encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import {
  decodeRow,
  decodeSegmentHeader,
  encodeRow,
  encodeSegmentHeader,
  firstHeightOf,
  lastHeightOf,
  MAX_ROW_BYTES,
  type RangeReader,
  type Row,
  readRow,
  rowLength,
  segmentHeaderBytes,
  segmentOf,
  segmentPath,
  segmentRows,
} from './segment.ts';
import { tileNumber, tilePath } from './tile-path.ts';

const bytes = (maxLength: number) => fc.uint8Array({ minLength: 1, maxLength });
const aRow = fc.tuple(bytes(300), bytes(70_000)) as fc.Arbitrary<Row>;
const rows = fc.array(fc.tuple(bytes(80), bytes(80)) as fc.Arbitrary<Row>, { minLength: 1, maxLength: 12 });
const aSegment = fc.nat({ max: 2 ** 40 });

function fileOf(segment: number, content: readonly Row[]): Uint8Array {
  return concat(encodeSegmentHeader(segment, content.map(rowLength)), ...content.map(encodeRow));
}

function readerOf(files: Readonly<Record<string, Uint8Array>>): RangeReader {
  return { read: async (path, { range }) => files[path]?.slice(range.offset, range.offset + range.length) };
}

async function all(reader: RangeReader, segment: number, count: number, from?: number) {
  const found: { readonly height: number; readonly row: Row }[] = [];
  for await (const entry of segmentRows(reader, segment, count, from)) found.push(entry);
  return found;
}

/** Everything that a reader of the whole file and of each row finds. */
async function readAll(file: Uint8Array, segment: number, count: number): Promise<Row[]> {
  const reader = readerOf({ [segmentPath(segment, count)]: file });
  const streamed = (await all(reader, segment, count)).map(({ row }) => row);
  for (const [i, row] of streamed.entries())
    expect(await readRow(reader, firstHeightOf(segment) + i, count)).toEqual(row);
  return streamed;
}

describe('heights and paths', () => {
  test('segment N holds the heights 256·N + 1 to 256·N + 256', () => {
    expect([1, 256, 257, 512, 513].map(segmentOf)).toEqual([0, 0, 1, 1, 2]);
    expect([firstHeightOf(3), lastHeightOf(3)]).toEqual([769, 1_024]);
    expect(() => segmentOf(0)).toThrow(RangeError);
  });

  test('paths are those of tlog-tiles', () => {
    expect(tilePath(1_234_067)).toBe('x001/x234/067');
    expect(segmentPath(0)).toBe('blocks/000');
    expect(segmentPath(1_000, 17)).toBe('blocks/x001/000.p/17');
  });

  test('every number has one path', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (n) => tileNumber(tilePath(n)) === n));
    for (const path of ['', '1', '01', '0001', 'x000/001', 'x001', '001/002', 'x001/x002', 'x9/001', '001/'])
      expect(tileNumber(path)).toBeUndefined();
  });
});

describe('a row', () => {
  test('round trip, and its length without encoding', () => {
    fc.assert(
      fc.property(aRow, (row) => {
        const encoded = encodeRow(row);
        expect(decodeRow(encoded)).toEqual(row);
        expect(rowLength(row)).toBe(encoded.length);
      }),
    );
  });

  test.each([[[]], [[new Uint8Array(1)]], [[new Uint8Array(1), 'text']], [[new Uint8Array(0), new Uint8Array(1)]]])(
    'nothing else is one (%#)',
    (value) => expect(() => decodeRow(encode(value))).toThrow(CodecError),
  );
});

describe('a segment', () => {
  test('all rows, and each by itself', async () => {
    await fc.assert(
      fc.asyncProperty(aSegment, rows, async (segment, content) => {
        expect(await readAll(fileOf(segment, content), segment, content.length)).toEqual(content);
      }),
    );
  });

  test('from a height on', async () => {
    const content = Array.from({ length: 5 }, (_, i): Row => [Uint8Array.of(i + 1), Uint8Array.of(9)]);
    const reader = readerOf({ [segmentPath(2, 5)]: fileOf(2, content) });
    expect((await all(reader, 2, 5, 516)).map(({ height }) => height)).toEqual([516, 517]);
  });

  test('rows longer than what is read at once', async () => {
    const content = Array.from({ length: 3 }, (_, i): Row => [new Uint8Array(700_000).fill(i), Uint8Array.of(i)]);
    expect(await readAll(fileOf(0, content), 0, 3)).toEqual(content);
  });

  test('one that is not there has no rows', async () => {
    expect(await all(readerOf({}), 0, 3)).toEqual([]);
    expect(await readRow(readerOf({}), 3)).toBeUndefined();
  });

  test('no byte can be changed without the rows being refused or others', async () => {
    const content = Array.from({ length: 3 }, (_, i): Row => [new Uint8Array(20).fill(i), new Uint8Array(9).fill(i)]);
    const file = fileOf(4, content);
    for (let at = 0; at < file.length; at++) {
      for (const bit of [1, 128]) {
        const flipped = file.slice();
        flipped[at]! ^= bit;
        const outcome = await readAll(flipped, 4, 3).catch((error: unknown) => error);
        if (at < segmentHeaderBytes(3)) expect(outcome, `byte ${at}`).toBeInstanceOf(CodecError);
        else expect(outcome, `byte ${at}`).not.toEqual(content);
      }
    }
  });

  test('no byte can be cut off or added', async () => {
    const content = Array.from({ length: 3 }, (_, i): Row => [new Uint8Array(20).fill(i), Uint8Array.of(i)]);
    const file = fileOf(4, content);
    for (let length = 0; length < file.length; length++)
      await expect(readAll(file.slice(0, length), 4, 3), `${length}`).rejects.toThrow(CodecError);
    await expect(readAll(concat(file, Uint8Array.of(0)), 4, 3)).rejects.toThrow('goes on after its last row');
  });

  test('what is wrong with the header is said', () => {
    const header = encodeSegmentHeader(1, [5, 6]);
    expect(decodeSegmentHeader(header, 1, 2)).toEqual([44, 49, 55]);
    expect(() => decodeSegmentHeader(header, 2, 2)).toThrow('does not begin with height 513');
    expect(() => decodeSegmentHeader(concat(header, new Uint8Array(9)), 1, 3)).toThrow('has 2 blocks, not 3');
    const withGap = header.slice();
    for (const at of [20, 28, 36]) withGap[at + 7]! += 1;
    expect(() => decodeSegmentHeader(withGap, 1, 2)).toThrow('its rows do not follow its header');
    const long = header.slice();
    new DataView(long.buffer).setBigUint64(36, BigInt(50 + MAX_ROW_BYTES));
    expect(() => decodeSegmentHeader(long, 1, 2)).toThrow('row of height 258');
    expect(() => encodeSegmentHeader(0, [])).toThrow(RangeError);
    expect(() => encodeSegmentHeader(0, Array(257).fill(1))).toThrow(RangeError);
    expect(() => encodeSegmentHeader(0, [0])).toThrow(RangeError);
  });
});
