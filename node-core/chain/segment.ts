/**
 * Blocks as plain files: segment N holds the heights 256·N + 1 to 256·N + 256 (docs/spec/files.md). Magic, first height
 * (u64), count (u32), count + 1 offsets from the file's start (u64; the last is the file's length), then the rows. All
 * integers are big-endian. One row is read with two range reads.
 *
 * Who keeps segments may pack the two parts of each row; such a file has another magic, so that nobody takes it for a plain one.
 */
import { concat, equal, uint64, utf8 } from '../codec/bytes.ts';
import { type DecodeLimits, decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { bytes, tuple } from '../codec/schema.ts';
import { MAX_BLOCK_BYTES } from './block.ts';
import { partialPath, tilePath } from './tile-path.ts';

/** [block, commit] as stored and as sent between nodes; the commit is [certificate, results]. */
export type Row = readonly [block: Uint8Array, commit: Uint8Array];

/** What a segment is read from: a subset of the port ChainFiles, which this room may not import. */
export interface RangeReader {
  read(
    path: string,
    options: { readonly range: { readonly offset: number; readonly length: number } },
  ): Promise<Uint8Array | undefined>;
}

/** What the parts of a row are: the bytes themselves, or packed by whoever keeps them. */
export type RowForm = keyof typeof MAGIC;

export const SEGMENT_HEIGHTS = 256;
export const MAX_ROW_BYTES = 8 << 20;

const MAGIC = { plain: utf8('BROPSEG1'), packed: utf8('BROPPAK1') } as const;
const MAGIC_BYTES = 8;
const OFFSETS_AT = MAGIC_BYTES + 8 + 4;
const ROW_LIMITS: DecodeLimits = { maxBytes: MAX_ROW_BYTES, maxDepth: 2, maxItems: 3 };
const rowSchema = tuple(bytes({ min: 1, max: MAX_BLOCK_BYTES }), bytes({ min: 1, max: MAX_ROW_BYTES }));

/** How much of a segment is read at once, unless one row alone is longer. */
const READ_AHEAD_BYTES = 1 << 20;

/** @throws {RangeError} for a height below 1. */
export function segmentOf(height: number): number {
  if (!Number.isSafeInteger(height) || height < 1) throw new RangeError(`${height} is not the height of a block`);
  return Math.floor((height - 1) / SEGMENT_HEIGHTS);
}

export function firstHeightOf(segment: number): number {
  return segment * SEGMENT_HEIGHTS + 1;
}

export function lastHeightOf(segment: number): number {
  return (segment + 1) * SEGMENT_HEIGHTS;
}

/** `blocks/x001/234`, with `.p/<count>` while it has fewer than 256 blocks. */
export function segmentPath(segment: number, count: number = SEGMENT_HEIGHTS): string {
  const path = `blocks/${tilePath(segment)}`;
  return count === SEGMENT_HEIGHTS ? path : partialPath(path, count);
}

export function segmentHeaderBytes(count: number): number {
  return OFFSETS_AT + 8 * (count + 1);
}

export function encodeRow(row: Row): Uint8Array {
  return encode(row);
}

/** The length of {@link encodeRow}, without encoding. */
export function rowLength([block, commit]: Row): number {
  return 1 + byteStringLength(block.length) + byteStringLength(commit.length);
}

function byteStringLength(length: number): number {
  if (length < 24) return 1 + length;
  if (length < 1 << 8) return 2 + length;
  return (length < 1 << 16 ? 3 : 5) + length;
}

/** @throws {CodecError} */
export function decodeRow(input: Uint8Array): Row {
  return rowSchema.decode(decode(input, ROW_LIMITS), 'row');
}

/** @param rowLengths 1 to 256 lengths. @throws {RangeError} */
export function encodeSegmentHeader(
  segment: number,
  rowLengths: readonly number[],
  form: RowForm = 'plain',
): Uint8Array {
  if (rowLengths.length < 1 || rowLengths.length > SEGMENT_HEIGHTS)
    throw new RangeError(`a segment of ${rowLengths.length} blocks`);
  let offset = segmentHeaderBytes(rowLengths.length);
  const offsets = [uint64(offset)];
  for (const length of rowLengths) {
    if (length < 1 || length > MAX_ROW_BYTES) throw new RangeError(`a row of ${length} bytes`);
    offset += length;
    offsets.push(uint64(offset));
  }
  return concat(MAGIC[form], uint64(firstHeightOf(segment)), uint64(rowLengths.length).subarray(4), ...offsets);
}

/**
 * The offsets of a segment, count + 1 of them, each byte of the header checked.
 * @param header at least the bytes of the header; what follows is not looked at.
 * @throws {CodecError}
 */
export function decodeSegmentHeader(
  header: Uint8Array,
  segment: number,
  count: number = SEGMENT_HEIGHTS,
  form: RowForm = 'plain',
): readonly number[] {
  const length = segmentHeaderBytes(count);
  if (header.length < length) throw new CodecError('malformed', `ends within its header, after ${header.length} bytes`);
  if (!equal(header.subarray(0, MAGIC_BYTES), MAGIC[form]))
    throw new CodecError('malformed', 'is no segment of blocks');
  const view = new DataView(header.buffer, header.byteOffset, length);
  const first = firstHeightOf(segment);
  if (view.getBigUint64(MAGIC_BYTES) !== BigInt(first))
    throw new CodecError('schema', `does not begin with height ${first}`);
  const found = view.getUint32(MAGIC_BYTES + 8);
  if (found !== count) throw new CodecError('schema', `has ${found} blocks, not ${count}`);
  const offsets = Array.from({ length: count + 1 }, (_, i) => Number(view.getBigUint64(OFFSETS_AT + 8 * i)));
  if (offsets[0] !== length) throw new CodecError('schema', 'its rows do not follow its header');
  for (let i = 0; i < count; i++) {
    const size = offsets[i + 1]! - offsets[i]!;
    if (size < 1 || size > MAX_ROW_BYTES)
      throw new CodecError('schema', `row of height ${first + i}: a length of ${size} bytes`);
  }
  return offsets;
}

/**
 * One row with two range reads; undefined when there is no such segment.
 * @param count of the segment, when it is not whole yet.
 * @throws {CodecError} saying what is wrong with the file, whose path is for the caller to name.
 */
export async function readRow(
  files: RangeReader,
  height: number,
  count: number = SEGMENT_HEIGHTS,
  form: RowForm = 'plain',
): Promise<Row | undefined> {
  const segment = segmentOf(height);
  const offsets = await readOffsets(files, segment, count, form);
  if (offsets === undefined) return undefined;
  const i = height - firstHeightOf(segment);
  const [offset, end] = [offsets[i], offsets[i + 1]];
  if (offset === undefined || end === undefined) return undefined;
  const range = { offset, length: end - offset };
  return rowIn(await files.read(segmentPath(segment, count), { range }), 0, range.length, height);
}

/**
 * The rows of a segment one after the other, about a megabyte in memory at a time; none when there is no such file.
 * @param from the first height wanted.
 * @throws {CodecError} also when there is something after the last row.
 */
export async function* segmentRows(
  files: RangeReader,
  segment: number,
  count: number = SEGMENT_HEIGHTS,
  from: number = firstHeightOf(segment),
  form: RowForm = 'plain',
): AsyncGenerator<{ readonly height: number; readonly row: Row }> {
  const offsets = await readOffsets(files, segment, count, form);
  if (offsets === undefined) return;
  const first = firstHeightOf(segment);
  for (let i = Math.max(0, from - first); i < count; ) {
    const offset = offsets[i]!;
    let next = i + 1;
    while (next < count && offsets[next + 1]! - offset <= READ_AHEAD_BYTES) next += 1;
    // One byte more than there may be shows whether the file goes on.
    const length = offsets[next]! - offset + (next === count ? 1 : 0);
    const span = await files.read(segmentPath(segment, count), { range: { offset, length } });
    if (next === count && span?.length === length) throw new CodecError('schema', 'goes on after its last row');
    for (; i < next; i++) {
      yield { height: first + i, row: rowIn(span, offsets[i]! - offset, offsets[i + 1]! - offset, first + i) };
    }
  }
}

/** By the segment's header, as {@link decodeSegmentHeader}; undefined when there is no such file. @throws {CodecError} */
export async function readOffsets(
  files: RangeReader,
  segment: number,
  count: number,
  form: RowForm = 'plain',
): Promise<readonly number[] | undefined> {
  const range = { offset: 0, length: segmentHeaderBytes(count) };
  const header = await files.read(segmentPath(segment, count), { range });
  return header === undefined ? undefined : decodeSegmentHeader(header, segment, count, form);
}

function rowIn(span: Uint8Array | undefined, start: number, end: number, height: number): Row {
  const at = `row of height ${height}`;
  if (span === undefined || span.length < end) throw new CodecError('malformed', 'the file ends before it does', at);
  try {
    return decodeRow(span.slice(start, end));
  } catch (error) {
    throw error instanceof CodecError ? new CodecError(error.kind, error.message, at) : error;
  }
}
