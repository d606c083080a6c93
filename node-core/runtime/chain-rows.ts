/**
 * The rows of a chain in the store, apart from those that have a file of their own.
 *
 * | prefix | key | value |
 * |---|---|---|
 * | `g` | | genesis bytes |
 * | `h` | | what the rows of the state are at: [height, time, size and frontier of the log] |
 * | `b`, `c`, `k` | | blocks that are not sealed yet, packed (kept-blocks.ts) |
 * | `a` | digest | account record, as results refer to it |
 * | `n`, `t` | | order in which nonces go, and where they were (nonce-rows.ts) |
 * | `s` | hash of the state key, or path | state key and value, or page of the state tree (state-rows.ts) |
 * | `l` | level, index | tile of the log, a long value |
 * | `d` | height, round, 0 or 1 and header hash | [timely, proposal] of an undecided height, a long value: own, or of another |
 * | `v` | height | [header, certificate, next set] of each change of the validator set |
 * | `o` | | origin: [header, certificate] of the snapshot that the store began from |
 * | `j` | | (empty) while a snapshot is taken in (unfinished-join.ts) |
 * | `e` | validator, height, kind | evidence of equivocation |
 */
import { type Anchor, anchorFields, type SetChange, setChange } from '../chain/anchor.ts';
import { type Certificate, certificateSchema } from '../chain/certificate.ts';
import { BropError } from '../chain/codes.ts';
import type { Genesis } from '../chain/genesis.ts';
import { decodeHeader, type Header } from '../chain/header.ts';
import { headerHash } from '../chain/identifiers.ts';
import { decodeStoredBlock } from '../chain/stored-block.ts';
import { concat, equal, uint64 } from '../codec/bytes.ts';
import { type DecodeLimits, decode, encode } from '../codec/cbor.ts';
import { array, fixedBytes, type Infer, tuple, uint } from '../codec/schema.ts';
import type { Hash } from '../crypto/hash-type.ts';
import { LogFrontier, leafHash } from '../crypto/merkle-log.ts';
import { appendTiles, type TileReader, type TileWrite } from '../crypto/merkle-log-tiles.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { stateKeyHash } from '../crypto/state-tree.ts';
import type { ExecutedBlock } from '../ledger/execute-block.ts';
import { genesisState } from '../ledger/genesis-state.ts';
import { placed, type StateReader, updateStateTree } from '../ledger/state.ts';
import type { Reads, Write } from '../ports/key-value-store.ts';
import { recentRow } from './kept-blocks.ts';
import { uint64At } from './kept-proposals.ts';
import { longValue, longValuesIn, longValueWrites } from './long-values.ts';
import { expiringWrites } from './nonce-rows.ts';
import { decodeStateRow, encodeStateRow, pageRowKey, stateRowKey } from './state-rows.ts';

const prefix = (letter: string) => Uint8Array.of(letter.charCodeAt(0));
const [GENESIS, HEAD, ACCOUNT, TILE, ORIGIN, SET_CHANGE] = [...'ghalov'].map(prefix) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

const headSchema = tuple(uint(), uint(), uint(), array(fixedBytes(32), { max: 64 }));
const SET_CHANGE_LIMITS: DecodeLimits = { maxBytes: 100_000, maxDepth: 8, maxItems: 1_000 };
const originSchema = tuple(anchorFields.header, certificateSchema);
export interface Head {
  readonly height: number;
  readonly timeMs: number;
  readonly parent: Uint8Array;
  readonly frontier: LogFrontier;
}

/** A header and what makes it final. */
export interface Certified {
  readonly header: Header;
  readonly headerBytes: Uint8Array;
  readonly certificate: Certificate;
}

/**
 * What makes a store that holds the state, and nothing else yet, the chain from this height on.
 * @param tiles the right edge of the log.
 */
export function originWrites(
  { genesis, setChanges, header: headerBytes, certificate }: Anchor,
  header: Header,
  frontier: LogFrontier,
  tiles: readonly TileWrite[],
): Write[] {
  return [
    { key: GENESIS, value: genesis },
    headWrite({ height: header.height, timeMs: header.timeMs, frontier }),
    { key: ORIGIN, value: encode(originSchema.encode([headerBytes, certificate])) },
    ...setChanges.map((change) => setChangeWrite(decodeHeader(change[0]).height, change)),
    ...tiles.flatMap(tileWrites),
  ];
}

export function setChangeWrite(height: number, change: SetChange): Write {
  return { key: concat(SET_CHANGE, uint64(height)), value: encode(setChange.encode(change)) };
}

/** Ascending by height. */
export function storedSetChanges(rows: Reads): SetChange[] {
  const all = rows.range(SET_CHANGE, Uint8Array.of(SET_CHANGE[0]! + 1));
  return [...all].map(({ value }) => setChange.decode(decode(value, SET_CHANGE_LIMITS), 'setChange'));
}

export function readOrigin(kv: Reads): Certified | null {
  const bytes = kv.get(ORIGIN);
  if (bytes === undefined) return null;
  const [headerBytes, certificate] = originSchema.decode(decode(bytes), 'origin');
  return { header: decodeHeader(headerBytes), headerBytes, certificate };
}

export function stateWrites(
  stateHash: Hash,
  executed: Pick<ExecutedBlock, 'changes' | 'pages' | 'noncesAdded'>,
): Write[] {
  const writes: Write[] = [];
  for (const { key, keyHash, value } of executed.changes) {
    const row = value === null ? null : encodeStateRow({ key, value });
    writes.push({ key: stateRowKey(keyHash), value: row });
  }
  for (const [path, page] of executed.pages) writes.push({ key: pageRowKey(nibbles(path)), value: page });
  writes.push(...expiringWrites(stateHash, executed.noncesAdded));
  return writes;
}

export function initialWrites(crypto: CryptoProvider, genesis: Genesis): Write[] {
  const stateHash = (bytes: Uint8Array) => crypto.hash(genesis.document.stateHash, bytes);
  const sha256 = (bytes: Uint8Array) => crypto.hash('sha-256', bytes);
  const changes = placed(stateHash, genesisState(crypto, genesis).changes());
  const { pages } = updateStateTree(stateHash, () => undefined, changes);
  const leaf = leafHash(sha256, genesis.bytes);
  const frontier = LogFrontier.empty(sha256).append([leaf]);
  return [
    { key: GENESIS, value: genesis.bytes },
    headWrite({ height: 0, timeMs: genesis.document.timeMs, frontier }),
    ...appendTiles(sha256, () => undefined, 0, [leaf]).flatMap(tileWrites),
    ...stateWrites(stateHash, { changes, pages, noncesAdded: [] }),
  ];
}

export function headWrite({ height, timeMs, frontier }: Omit<Head, 'parent'>): Write {
  return { key: HEAD, value: encode([height, timeMs, frontier.size, frontier.encode()]) };
}

export function readHeadRow(kv: Reads): Infer<typeof headSchema> {
  const bytes = kv.get(HEAD);
  if (bytes === undefined) throw new BropError('STORE_CORRUPT', 'the head is missing');
  return headSchema.decode(decode(bytes), 'head');
}

export function readHead(crypto: CryptoProvider, kv: Reads, genesis: Genesis): Head {
  const [height, timeMs, logSize, hashes] = readHeadRow(kv);
  const frontier = LogFrontier.decode((data) => crypto.hash('sha-256', data), logSize, hashes);
  if (height === 0) return { height, timeMs, parent: genesis.hash, frontier };
  const origin = readOrigin(kv);
  if (origin?.header.height === height) {
    return { height, timeMs, parent: headerHash(crypto, origin.headerBytes), frontier };
  }
  const row = recentRow(kv, height);
  if (row === undefined) throw new BropError('STORE_CORRUPT', `block ${height} is missing`);
  const { header, headerBytes } = decodeStoredBlock(...row);
  if (header.logSize !== logSize || !equal(header.logRoot, frontier.root()))
    throw new BropError('STORE_CORRUPT', 'the log frontier does not agree with the newest header');
  return { height, timeMs, parent: headerHash(crypto, headerBytes), frontier };
}

/** The genesis of the chain in it. */
export function storedGenesis(kv: Reads): Uint8Array | undefined {
  return kv.get(GENESIS);
}

/** Whether there is a chain in it. One that a join left unfinished is none. */
export function holdsChain(kv: Reads): boolean {
  return kv.get(GENESIS) !== undefined;
}

function nibbles(hex: string): Uint8Array {
  const path = new Uint8Array(hex.length);
  for (let i = 0; i < hex.length; i++) path[i] = Number.parseInt(hex[i]!, 16);
  return path;
}

export function stateReader(stateHash: Hash, kv: Reads): StateReader {
  return {
    get: (key) => {
      const row = kv.get(stateRowKey(stateKeyHash(stateHash, key)));
      return row === undefined ? undefined : decodeStateRow(row).value;
    },
  };
}

export function tileReader(kv: Pick<Reads, 'get'>): TileReader {
  return (level, index) => longValue(kv, tileKey(level, index));
}

/** A tile only grows: no row of it is left over. */
export function tileWrites({ level, index, hashes }: TileWrite): Write[] {
  return longValueWrites(tileKey(level, index), hashes);
}

export function* tileRows(kv: Reads): Generator<TileWrite> {
  for (const { key, value } of longValuesIn(kv, TILE, Uint8Array.of(TILE[0]! + 1)))
    yield { level: key[1]!, index: uint64At(key, 2), hashes: value };
}

export function accountKey(digest: Uint8Array): Uint8Array {
  return concat(ACCOUNT, digest);
}

export function* accountRows(kv: Reads): Generator<{ readonly digest: Uint8Array; readonly record: Uint8Array }> {
  for (const { key, value } of kv.range(ACCOUNT, Uint8Array.of(ACCOUNT[0]! + 1)))
    yield { digest: key.subarray(1), record: value };
}

function tileKey(level: number, index: number): Uint8Array {
  return concat(TILE, Uint8Array.of(level), uint64(index));
}
