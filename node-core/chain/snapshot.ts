/**
 * Snapshots of the state (docs/spec/snapshots.md). A manifest names the subtrees into which the state of one height is
 * cut, each with its hash; a chunk is the entries under one of them. The manifest is checked against a certified header
 * before any chunk is fetched, and each chunk against the manifest alone: from whomever it comes, in any order.
 */
import { equal, toHex } from '../codec/bytes.ts';
import { type DecodeLimits, decode, encode } from '../codec/cbor.ts';
import { Writer } from '../codec/cbor-writer.ts';
import { array, bytes, type Infer, literal, record, text, tuple } from '../codec/schema.ts';
import { HASH_BYTES, type Hash } from '../crypto/hash-type.ts';
import type { LogFrontier } from '../crypto/merkle-log.ts';
import { edgeTiles, MAX_TILE_LEVELS } from '../crypto/merkle-log-edge.ts';
import { frontierFromTiles, TILE_WIDTH, type TileWrite } from '../crypto/merkle-log-tiles.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { BRANCH, EMPTY, LEAF, type Subtree, type SubtreeKind } from '../crypto/state-page.ts';
import {
  foldParts,
  type PageSink,
  SubtreeBuilder,
  sameSubtree,
  subtreeHash,
  type TreePart,
} from '../crypto/state-subtree.ts';
import { stateKeyHash, stateValueHash } from '../crypto/state-tree.ts';
import { type Anchor, anchorFields, formRefusal, type TrustedHeader, verifyAnchor } from './anchor.ts';
import { type Refusal, refusal } from './codes.ts';

/** A subtree whose entries take more is split into its 16 children. One entry always fits. */
export const MAX_CHUNK_BYTES = 1 << 20;
/** Counted for each entry beside its key and value: more than CBOR puts before and between them. */
const ENTRY_OVERHEAD_BYTES = 16;
/** Some 65 to 250 GB of state. */
export const MAX_CHUNKS = 1 << 18;
export const MAX_MANIFEST_BYTES = 32 << 20;
export const SNAPSHOT_INDEX = 'snapshots/index';
/** Heights in the index that a reader looks at: the newest. */
export const MAX_INDEX_BYTES = 64 << 10;

const MANIFEST_LIMITS: DecodeLimits = { maxBytes: MAX_MANIFEST_BYTES, maxDepth: 8, maxItems: 1_500_000 };
const CHUNK_LIMITS: DecodeLimits = {
  maxBytes: MAX_CHUNK_BYTES,
  maxDepth: 3,
  maxItems: 1 + 3 * (MAX_CHUNK_BYTES / ENTRY_OVERHEAD_BYTES),
};

/** [path in hexadecimal digits, nothing | key hash ‖ value hash of the only entry | subtree hash]. */
const part = tuple(text({ min: 0, max: 2 * HASH_BYTES, pattern: /^[0-9a-f]*$/ }), bytes({ max: 2 * HASH_BYTES }));

const manifestSchema = record({
  type: literal('brop.snapshot.v1'),
  ...anchorFields,
  /** The unfinished tile of each level of the log, lowest first. */
  logEdge: array(bytes({ max: (TILE_WIDTH - 1) * HASH_BYTES }), { min: 1, max: MAX_TILE_LEVELS }),
  parts: array(part, { min: 1, max: MAX_CHUNKS }),
});
type Manifest = Infer<typeof manifestSchema>;

const entrySchema = tuple(bytes({ min: 1, max: 511 }), bytes({ max: 65_535 }));
const chunkSchema = array(entrySchema, {
  min: 1,
  max: MAX_CHUNK_BYTES / ENTRY_OVERHEAD_BYTES,
});

/** A key of the state and its value. */
export type ChunkEntry = readonly [Uint8Array, Uint8Array];

export interface Snapshot {
  readonly anchor: Anchor;
  readonly logEdge: readonly Uint8Array[];
  readonly parts: readonly TreePart[];
}

/** A snapshot that the header of its height proves, but for the chunks. */
export interface VerifiedSnapshot extends Snapshot {
  readonly trusted: TrustedHeader;
  readonly tiles: readonly TileWrite[];
  readonly frontier: LogFrontier;
}

export function manifestPath(height: number): string {
  return `snapshots/${height}`;
}

/** Chunks are named by the hash of what they hold: the same part of two states is one file. */
export function chunkPath(hash: Hash, subtree: Subtree): string {
  return `state/${toHex(subtreeHash(hash, subtree))}`;
}

export function hasChunk({ subtree }: TreePart): boolean {
  return subtree.kind !== EMPTY;
}

/** What an entry counts toward {@link MAX_CHUNK_BYTES}. */
export function entryBytes([key, value]: ChunkEntry): number {
  return key.length + value.length + ENTRY_OVERHEAD_BYTES;
}

/** @throws {CodecError} when a limit is broken: there are too many chunks. */
export function encodeSnapshot({ anchor, logEdge, parts }: Snapshot): Uint8Array {
  const { genesis, setChanges, header, certificate } = anchor;
  const rows = parts.map(({ path, subtree }) => [path, subtree.bytes] as const);
  const manifest: Manifest = {
    type: 'brop.snapshot.v1',
    ...{ genesis, setChanges, header, certificate },
    logEdge,
    parts: rows,
  };
  return encode(manifestSchema.encode(manifest));
}

/**
 * Verifies from `genesisHash` over the certified header to the hashes of all chunks and to the log's right edge.
 * @param height by which it was asked for: a snapshot of another height is refused.
 */
export function verifySnapshot(
  crypto: CryptoProvider,
  input: Uint8Array,
  height: number,
  genesisHash: Uint8Array,
): VerifiedSnapshot | Refusal {
  let manifest: Manifest;
  try {
    manifest = manifestSchema.decode(decode(input, MANIFEST_LIMITS), '');
  } catch (error) {
    return formRefusal(error);
  }
  const { genesis, setChanges, header, certificate, logEdge } = manifest;
  const anchor = { genesis, setChanges, header, certificate };
  const trusted = verifyAnchor(crypto, anchor, genesisHash);
  if ('code' in trusted) return trusted;
  if (trusted.header.height !== height)
    return refusal('SNAPSHOT_INVALID', `it is of height ${trusted.header.height}, not ${height}`);
  const log = verifyEdge(crypto, logEdge, trusted);
  if (log === null) return refusal('SNAPSHOT_INVALID', "its right edge is not that of the header's log");
  const parts = manifest.parts.map(([path, bytes]): TreePart => ({ path, subtree: { kind: kindOf(bytes), bytes } }));
  const hash = stateHashOf(crypto, trusted);
  const root = parts.every(({ subtree }) => subtree.bytes.length === BYTES[subtree.kind])
    ? foldParts(hash, parts)
    : null;
  if (root === null) return refusal('SNAPSHOT_INVALID', 'its parts are not one state');
  if (!equal(subtreeHash(hash, root), trusted.header.stateRoot))
    return refusal('SNAPSHOT_INVALID', "its parts do not lead to the header's state root");
  return { anchor, logEdge, parts, trusted, ...log };
}

export function stateHashOf(crypto: CryptoProvider, { genesis }: Pick<TrustedHeader, 'genesis'>): Hash {
  const { stateHash } = genesis.document;
  return (data) => crypto.hash(stateHash, data);
}

function verifyEdge(crypto: CryptoProvider, logEdge: readonly Uint8Array[], { header }: TrustedHeader) {
  const sha256 = (data: Uint8Array) => crypto.hash('sha-256', data);
  const tiles = edgeTiles(logEdge, header.logSize);
  if (tiles === null) return null;
  const reader = (level: number, index: number) =>
    tiles.find((tile) => tile.level === level && tile.index === index)?.hashes;
  const frontier = frontierFromTiles(sha256, reader, header.logSize);
  return equal(frontier.root(), header.logRoot) ? { tiles, frontier } : null;
}

/** Bytes of a subtree by its kind. */
const BYTES = { [EMPTY]: 0, [LEAF]: 2 * HASH_BYTES, [BRANCH]: HASH_BYTES } as const;

function kindOf({ length }: Uint8Array): SubtreeKind {
  if (length === 0) return EMPTY;
  return length === BYTES[LEAF] ? LEAF : BRANCH;
}

/** An entry as it stands in its chunk. @throws {CodecError} when key or value are longer than a state's may be. */
export function encodeEntry(entry: ChunkEntry): Uint8Array {
  return encode(entrySchema.encode(entry));
}

/** What stands before the entries of a chunk: the head of their array. */
export function chunkHead(entries: number): Uint8Array {
  const writer = new Writer();
  writer.head(4, entries);
  return writer.finish();
}

/**
 * The entries of a chunk, in the order of their key hashes, when they are all that lies under the part and nothing
 * else. They share memory with `input`. `sink` is given the pages of the tree below the part, also of a chunk that is
 * refused in the end.
 */
export function readChunk(
  hash: Hash,
  part: TreePart,
  input: Uint8Array,
  sink: PageSink | null = null,
): readonly ChunkEntry[] | Refusal {
  let entries: readonly ChunkEntry[];
  try {
    entries = chunkSchema.decode(decode(input, CHUNK_LIMITS), 'chunk');
  } catch (error) {
    const { code, detail } = formRefusal(error);
    return refusal('SNAPSHOT_CHUNK', detail ?? code);
  }
  const builder = new SubtreeBuilder(hash, part.path, sink);
  for (const [key, value] of entries) {
    if (!builder.add(stateKeyHash(hash, key), stateValueHash(hash, value)))
      return refusal('SNAPSHOT_CHUNK', 'entries out of order, or of another part');
  }
  return sameSubtree(builder.finish(), part.subtree)
    ? entries
    : refusal('SNAPSHOT_CHUNK', 'its entries do not have the hash that is its name');
}
