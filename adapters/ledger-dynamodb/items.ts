/**
 * The items of a ledger table, and the way between them and the chain. All but the head are the same whoever writes them,
 * the signatures in a certificate apart, of which more than enough are always there.
 */
import { type SetChange, setChange } from '../../node-core/chain/anchor.ts';
import { decodeBlock, encodeBlock, resultSchema } from '../../node-core/chain/block.ts';
import { certificateSchema } from '../../node-core/chain/certificate.ts';
import { HASH_BYTES } from '../../node-core/chain/identifiers.ts';
import { STORED_LIMITS, type StoredBlock } from '../../node-core/chain/stored-block.ts';
import { concat, fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { decode, encode } from '../../node-core/codec/cbor.ts';
import { array, bytes, tuple } from '../../node-core/codec/schema.ts';
import type { ChainStatus } from '../../node-core/ports/chain-access.ts';
import type { ReceiptPart } from '../../node-core/ports/ledger-source.ts';
import { packed, unpacked } from '../dynamodb/packing.ts';
import type { Item } from '../dynamodb/table.ts';

/** An item has at most 400 KB (409,600 bytes), its attributes' names and a certificate of 100 signatures among them. */
export const PART_BYTES = 360_000;

export interface Head {
  readonly height: number;
  /** The lowest height of the table. */
  readonly firstHeight: number;
  readonly status: ChainStatus;
}

export const HEAD_KEY = key('head', 'head');
export const SET_CHANGES = 'set-changes';

export function partKey(of: string, part: number): Item {
  return key(of, `part/${String(part).padStart(4, '0')}`);
}

export const GENESIS = 'genesis';

export function blockName(height: number): string {
  return `block/${height}`;
}

export function transactionName(stem: Uint8Array): string {
  return `transaction/${toHex(stem)}`;
}

export function recordKey(digest: Uint8Array): Item {
  return key(`account/${toHex(digest)}`, 'record');
}

function key(pk: string, sk: string): Item {
  return { pk: { S: pk }, sk: { S: sk } };
}

/** Sorts as heights do. */
export function heightText(height: number): string {
  return String(height).padStart(14, '0');
}

/** The first says how many there are, and is to be written last. Each is packed by itself: two nodes may write some each. */
export function partItems(of: string, content: Uint8Array, withFirst: Item = {}): Item[] {
  const count = Math.max(1, Math.ceil(content.length / PART_BYTES));
  return Array.from({ length: count }, (_, part) => ({
    ...partKey(of, part),
    content: { B: packed(content.subarray(part * PART_BYTES, (part + 1) * PART_BYTES)) },
    ...(part === 0 && { parts: { N: String(count) }, ...withFirst }),
  }));
}

/** @param items all parts, the first of them first. @throws {Error} when one is missing: parts are written before the first. */
export function joined(items: readonly Item[]): Uint8Array {
  const count = Number(items[0]?.parts?.N);
  if (items.length !== count) throw new Error(`${items[0]?.pk?.S}: ${items.length} parts of ${count}`);
  return concat(...items.map(contentOf));
}

/** Of one part. */
export function contentOf({ content }: Item): Uint8Array {
  return unpacked(bytesOf(content), PART_BYTES);
}

/** Block and results, whose bytes are the same on every node; the certificate, which may have other signatures, is beside them. */
const contentSchema = tuple(bytes({ max: STORED_LIMITS.maxBytes }), array(resultSchema, { max: 10_000 }));

export function blockItems(block: StoredBlock): Item[] {
  const content = encode(contentSchema.encode([encodeBlock(block), block.results]));
  const certificate = encode(certificateSchema.encode(block.certificate));
  return partItems(blockName(block.header.height), content, { certificate: { B: certificate } });
}

/** @throws {CodecError} */
export function blockOf(items: readonly Item[]): StoredBlock {
  const [block, results] = contentSchema.decode(decode(joined(items), STORED_LIMITS), 'block');
  const certificate = certificateSchema.decode(decode(bytesOf(items[0]!.certificate), STORED_LIMITS), 'certificate');
  return { ...decodeBlock(block), results, certificate };
}

export interface Place {
  readonly height: number;
  readonly index: number;
  readonly inLog: readonly Uint8Array[] | null;
}

/** At most a kilobyte, which costs one unit to write, for as long as the log has fewer than 2^25 leaves. */
export function transactionItem({ stem, inLog }: ReceiptPart, height: number, index: number): Item {
  return {
    ...key(transactionName(stem), heightText(height)),
    index: { N: String(index) },
    ...(inLog !== null && { inLog: { B: concat(...inLog) } }),
  };
}

export function placeOf(item: Item): Place {
  const { inLog } = item;
  return {
    height: Number(item.sk!.S),
    index: Number(item.index!.N),
    inLog: inLog === undefined ? null : hashesIn(bytesOf(inLog)),
  };
}

function hashesIn(path: Uint8Array): Uint8Array[] {
  return Array.from({ length: path.length / HASH_BYTES }, (_, i) =>
    path.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
}

export function setChangeItem(height: number, change: SetChange): Item {
  return { ...key(SET_CHANGES, heightText(height)), change: { B: encode(setChange.encode(change)) } };
}

export function setChangeOf(item: Item): SetChange {
  return setChange.decode(decode(bytesOf(item.change), STORED_LIMITS), 'set change');
}

/** As JSON, bytes as `{"bytes": hexadecimal}`. */
export function statusText(status: ChainStatus): string {
  return JSON.stringify(status, (_, value) => (value instanceof Uint8Array ? { bytes: toHex(value) } : value));
}

export function headOf(item: Item): Head {
  const status = JSON.parse(item.status!.S!, (_, value) =>
    typeof value?.bytes === 'string' ? fromHex(value.bytes) : value,
  ) as ChainStatus;
  return { height: Number(item.height!.N), firstHeight: Number(item.firstHeight!.N), status };
}

export function bytesOf(value: Item[string] | undefined): Uint8Array {
  return new Uint8Array(value?.B ?? []);
}
