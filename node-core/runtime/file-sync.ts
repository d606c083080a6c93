/**
 * Catching up from plain files (docs/spec/files.md): folders, other nodes' HTTP servers, buckets. Nothing in them is
 * believed: each block is verified and executed like one from a peer. A wrong file is named in the log, its source is
 * set aside for a while, and the next source goes on where it ended.
 */
import { verifyAnchor } from '../chain/anchor.ts';
import { ANCHOR_FILE_LIMITS, decodeAnchorFile } from '../chain/anchor-file.ts';
import { ANCHOR_PATH, segmentsUpTo } from '../chain/file-paths.ts';
import { firstHeightOf, type Row, SEGMENT_HEIGHTS, segmentOf, segmentPath, segmentRows } from '../chain/segment.ts';
import { decodeStoredBlock, type StoredBlock } from '../chain/stored-block.ts';
import { CodecError } from '../codec/error.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ChainFiles } from '../ports/chain-files.ts';
import type { Clock } from '../ports/clock.ts';
import { StoreError } from '../ports/key-value-store.ts';
import type { Log } from '../ports/log.ts';
import { BadBlock, type BlockIntake } from './block-intake.ts';
import type { ChainStore } from './chain-store.ts';
import type { CheckedAhead } from './checked-ahead.ts';
import { readAhead } from './read-ahead.ts';

export interface FileSource {
  /** Folder or URL, as it stands in the config. */
  readonly name: string;
  readonly files: ChainFiles;
  /** Gives up what is being read; reads reject then. */
  close?(): void;
}

export interface FileSyncParts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  /** Asked in this order. */
  readonly sources: readonly FileSource[];
  readonly intake: BlockIntake;
  readonly ahead: CheckedAhead;
  readonly clock: Clock;
  readonly log: Log;
  /** Runs a job in the serial queue. */
  readonly run: (job: () => Promise<void>) => Promise<void>;
  /** Blocks were taken. */
  readonly proceed: () => Promise<void>;
  /** Highest block that a connected peer says it has; null without peers. */
  readonly bestPeerHeight: () => number | null;
  /** Takes what comes after the files, from wherever a node that lost its disk has it. */
  readonly goOn?: (() => Promise<void>) | undefined;
}

/** Nearer than this peers are quicker. */
const FAR_BEHIND = SEGMENT_HEIGHTS;
/** Between two looks. Without peers files are all there is. */
const POLL_MS = 10_000;
/** How long a source whose files were wrong or out of reach is passed over. */
const SET_ASIDE_MS = 60_000;
/** Blocks that are decoded and whose signatures are checked together: about a megabyte, or a thousand transactions. */
const BATCH_BYTES = 1 << 20;
const BATCH_TRANSACTIONS = 1_000;
const BATCH_BLOCKS = SEGMENT_HEIGHTS;
const PROGRESS_EVERY_MS = 5_000;

/** A file is not what it must be. */
class BadFile extends Error {
  readonly path: string;
  constructor(path: string, what: string) {
    super(what);
    this.name = 'BadFile';
    this.path = path;
  }
}

interface Batch {
  readonly path: string;
  readonly blocks: readonly StoredBlock[];
  /** Resolves when its signatures have been checked. */
  readonly checked: Promise<void>;
}

export class FileSync {
  private readonly parts: FileSyncParts;
  private running: Promise<void> | null = null;
  private stopped = false;
  private nextMs = 0;
  /** Sources that have not been gone through once: what they have may be nowhere else. */
  private readonly owed: Set<FileSource>;
  private readonly asideUntil = new Map<FileSource, number>();

  constructor(parts: FileSyncParts) {
    this.parts = parts;
    this.owed = new Set(parts.sources);
  }

  /** Whether blocks come from files at the moment. */
  get active(): boolean {
    return this.running !== null;
  }

  /**
   * Begins to catch up when this node has just started, is far behind its peers, or has none; and when a source that was out
   * of reach at the start may be asked again, as the peers may have lost what it has, too. Called often.
   */
  look(): void {
    const { clock, store, sources, bestPeerHeight, goOn } = this.parts;
    if (this.stopped || this.running !== null || (sources.length === 0 && goOn === undefined)) return;
    const best = bestPeerHeight();
    const isBehind = best !== null && best - store.height >= FAR_BEHIND;
    const isFirst = this.nextMs === 0 || [...this.owed].some((source) => this.isUsable(source));
    if (clock.now() < this.nextMs || !(isFirst || isBehind || best === null)) return;
    this.nextMs = clock.now() + POLL_MS;
    this.running = this.catchUp().finally(() => {
      this.running = null;
    });
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const source of this.parts.sources) source.close?.();
    await this.running;
  }

  private isUsable(source: FileSource): boolean {
    return this.parts.clock.now() >= (this.asideUntil.get(source) ?? 0);
  }

  /** Never rejects. */
  private async catchUp(): Promise<void> {
    const { store, proceed, run } = this.parts;
    for (const source of this.parts.sources) {
      if (this.stopped || !this.isUsable(source)) continue;
      const before = store.height;
      try {
        await this.follow(source, await this.heightOf(source));
        this.owed.delete(source);
      } catch (error) {
        this.setAside(source, error);
      }
      if (store.height > before && !this.stopped) await run(proceed);
    }
    const before = store.height;
    if (!this.stopped) await this.parts.goOn?.();
    if (store.height > before && !this.stopped) await run(proceed);
  }

  private setAside(source: FileSource, error: unknown): void {
    const { clock, log } = this.parts;
    if (this.stopped) return;
    this.asideUntil.set(source, clock.now() + SET_ASIDE_MS);
    const what = error instanceof Error ? error.message : String(error);
    if (error instanceof BadFile) {
      log.warn('a file is wrong and was refused', { source: source.name, path: error.path, what });
    } else if (error instanceof StoreError) {
      log.warn('a source of files is out of reach', { source: source.name, what });
    } else {
      log.error('catching up from files failed', { source: source.name, what });
    }
  }

  /** The height up to which the source has the chain, by its verified anchor; 0 when it has none. */
  private async heightOf({ files }: FileSource): Promise<number> {
    const { crypto, store } = this.parts;
    const bytes = await files.read(ANCHOR_PATH, { maxBytes: ANCHOR_FILE_LIMITS.maxBytes });
    if (bytes === undefined) return 0;
    const anchor = naming(ANCHOR_PATH, () => decodeAnchorFile(bytes));
    const trusted = verifyAnchor(crypto, anchor, store.genesis.hash);
    if ('code' in trusted) throw new BadFile(ANCHOR_PATH, `${trusted.code} ${trusted.detail ?? ''}`.trim());
    return trusted.header.height;
  }

  private async follow(source: FileSource, target: number): Promise<void> {
    const { store, log, clock, ahead } = this.parts;
    if (target <= store.height) return;
    log.info('catching up from files', { source: source.name, from: store.height + 1, to: target });
    // Of a batch that was read ahead when an earlier one was wrong.
    ahead.clear();
    let toldMs = clock.now();
    for await (const batch of readAhead(this.batches(source, target))) {
      await this.take(batch);
      if (this.stopped) return;
      if (clock.now() - toldMs < PROGRESS_EVERY_MS) continue;
      toldMs = clock.now();
      log.info('catching up from files', { source: source.name, height: store.height, to: target });
    }
    log.info('caught up from files', { source: source.name, height: store.height });
  }

  private async take({ path, blocks, checked }: Batch): Promise<void> {
    const { run, intake, ahead } = this.parts;
    await checked;
    try {
      for (const block of blocks) {
        let bad: BadBlock | null = null;
        await run(async () => {
          try {
            if (!this.stopped) await intake.take(block);
          } catch (error) {
            if (!(error instanceof BadBlock)) throw error;
            bad = error;
          }
        });
        if (bad !== null) throw new BadFile(path, (bad as BadBlock).message);
        if (this.stopped) return;
      }
    } finally {
      ahead.forget(blocks);
    }
  }

  /** The blocks after this node's height, decoded, in batches whose signatures are being checked. */
  private async *batches(source: FileSource, target: number): AsyncGenerator<Batch> {
    const { ahead, store } = this.parts;
    let blocks: StoredBlock[] = [];
    let [bytes, transactions, last] = [0, 0, ''];
    const batch = (): Batch => {
      const checked = ahead.check(blocks);
      // Waited for when the blocks are taken; until then nobody else must hear of it.
      checked.catch(() => {});
      const made = { path: last, blocks, checked };
      [blocks, bytes, transactions] = [[], 0, 0];
      return made;
    };
    try {
      for await (const { path, height, row } of rowsOf(source.files, store.height + 1, target)) {
        if (this.stopped) return;
        if (blocks.length > 0 && path !== last) yield batch();
        const block = naming(path, () => decodeStoredBlock(...row));
        if (block.header.height !== height)
          throw new BadFile(path, `block ${block.header.height} in place of ${height}`);
        blocks.push(block);
        [bytes, transactions, last] = [bytes + row[0].length, transactions + block.transactions.length, path];
        if (bytes >= BATCH_BYTES || transactions >= BATCH_TRANSACTIONS || blocks.length >= BATCH_BLOCKS) yield batch();
      }
    } catch (error) {
      // What was right before a wrong file is taken all the same.
      if (blocks.length > 0) yield batch();
      throw error;
    }
    if (blocks.length > 0) yield batch();
  }
}

interface NamedRow {
  readonly path: string;
  readonly height: number;
  readonly row: Row;
}

/** @throws {BadFile} naming the file that is wrong or missing. */
async function* rowsOf(files: ChainFiles, from: number, target: number): AsyncGenerator<NamedRow> {
  for (const { index, count } of segmentsUpTo(target, segmentOf(from))) {
    let wanted = Math.max(from, firstHeightOf(index));
    // A part of a segment may be gone once there is the whole.
    for (const width of count < SEGMENT_HEIGHTS ? [count, SEGMENT_HEIGHTS] : [SEGMENT_HEIGHTS]) {
      const path = segmentPath(index, width);
      const rows = segmentRows(files, index, width, wanted);
      try {
        for await (const { height, row } of rows) {
          yield { path, height, row };
          wanted = height + 1;
        }
      } catch (error) {
        throw error instanceof CodecError ? new BadFile(path, error.message) : error;
      }
      if (wanted > Math.min(target, firstHeightOf(index) + count - 1)) break;
    }
    if (wanted < firstHeightOf(index) + count) throw new BadFile(segmentPath(index, count), 'there is no such file');
  }
}

function naming<T>(path: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw error instanceof CodecError ? new BadFile(path, error.message) : error;
  }
}
