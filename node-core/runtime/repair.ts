/**
 * What the disk has damaged is made whole again. Tiles of the log are made anew from the blocks. Blocks that the disk has damaged are fetched again: from the file sources in their order, then from peers. Nothing
 * that comes is believed. It has the digest from when the block was first verified; or, as others may have it with other
 * signatures, it is certified by the set of its height and all of it is under its header. Until then the damage is named
 * and nothing of it is given out.
 */
import { verifyCertificate } from '../chain/certificate.ts';
import { BropError } from '../chain/codes.ts';
import { firstHeightOf, lastHeightOf, type Row, SEGMENT_HEIGHTS, segmentPath, segmentRows } from '../chain/segment.ts';
import { belongsToHeader, decodeStoredBlock, type StoredBlock } from '../chain/stored-block.ts';
import { equal } from '../codec/bytes.ts';
import { CodecError } from '../codec/error.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Clock } from '../ports/clock.ts';
import { StoreError } from '../ports/key-value-store.ts';
import type { Log } from '../ports/log.ts';
import type { PeerId, Transport } from '../ports/transport.ts';
import type { ChainStore } from './chain-store.ts';
import { hasPassed } from './elapsed.ts';
import type { FileSource } from './file-sync.ts';
import type { Pause } from './kept-blocks.ts';
import { mendTile } from './mend-tile.ts';
import { encodeMessage } from './messages.ts';
import type { Peers } from './peers.ts';

export interface RepairParts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  readonly sources: readonly FileSource[];
  readonly peers: Peers;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
}

/** After nobody had what is damaged, this long nobody is asked. */
const RETRY_MS = 30_000;
const ANSWER_TIMEOUT_MS = 3_000;
/** A peer gives itself some time after each answer (sync.ts). */
const ASK_AGAIN_MS = 250;

interface Asked {
  readonly peer: PeerId;
  readonly from: number;
  readonly answer: (rows: readonly Row[]) => void;
}

export class Repair {
  private readonly parts: RepairParts;
  private hasLooked = false;
  private failedMs: number | null = null;
  private asked: Asked | null = null;
  private stopped = false;

  constructor(parts: RepairParts) {
    this.parts = parts;
  }

  /** Looks at the files once, and makes whole what was found damaged since. Never two at once. */
  async work(pause: Pause): Promise<void> {
    const { store, clock } = this.parts;
    if (!this.hasLooked) await store.blocks.lookAtFiles(pause);
    this.hasLooked = true;
    if (this.failedMs !== null && !hasPassed(clock.now(), this.failedMs, RETRY_MS)) return;
    this.failedMs = null;
    await this.mendBlocks(pause);
    await this.mendTiles(pause);
  }

  private async mendBlocks(pause: Pause): Promise<void> {
    const { store, clock, log } = this.parts;
    const { blocks } = store;
    for (const segment of blocks.damaged) {
      const path = segmentPath(segment);
      const missing = await this.fetch(segment, pause);
      if (missing.length === 0) {
        await blocks.sealAgain(segment, pause);
        log.info('damaged blocks are whole again', { path });
      } else if (!this.stopped) {
        this.failedMs = clock.now();
        log.error('damaged blocks are not to be had from anywhere for now', { path, heights: few(missing) });
      }
    }
  }

  private async mendTiles(pause: Pause): Promise<void> {
    const { crypto, store, clock, log } = this.parts;
    for (const [path, name] of store.damagedTiles) {
      await pause();
      const isMended = await mendTile(crypto, store, name).catch((error: unknown) => {
        if (error instanceof BropError) return false;
        throw error;
      });
      if (isMended) {
        store.damagedTiles.delete(path);
        log.info('a damaged tile is made anew', { path });
      } else {
        this.failedMs = clock.now();
        log.error('a damaged tile cannot be made anew for now', { path });
      }
    }
  }

  stop(): void {
    this.stopped = true;
    this.asked?.answer([]);
  }

  /** Whether these are what the repair has asked for. */
  received(peer: PeerId, rows: readonly Row[]): boolean {
    const { asked } = this;
    if (asked?.peer !== peer || rows[0] === undefined) return false;
    if (decodedOrNothing(rows[0])?.header.height !== asked.from) return false;
    asked.answer(rows);
    return true;
  }

  /** Puts back what can be had of what is damaged in a segment, and gives the heights that remain. */
  private async fetch(segment: number, pause: Pause): Promise<number[]> {
    const { log, sources, peers } = this.parts;
    const missing = await this.damagedIn(segment, pause);
    if (missing.length > 0) log.warn('blocks are damaged', { path: segmentPath(segment), heights: few(missing) });
    for (const source of sources) {
      if (missing.length > 0 && !this.stopped) await this.fromFiles(source, segment, missing, pause);
    }
    for (const peer of peers.having(missing.at(-1) ?? 0)) {
      while (missing.length > 0 && !this.stopped && (await this.fromPeer(peer, missing, pause)));
    }
    return missing;
  }

  private async damagedIn(segment: number, pause: Pause): Promise<number[]> {
    const { store } = this.parts;
    const damaged: number[] = [];
    const last = Math.min(lastHeightOf(segment), store.height);
    for (let height = Math.max(firstHeightOf(segment), store.blocks.firstHeight); height <= last; height++) {
      const row = await store.row(height).catch((error: unknown) => {
        if (!(error instanceof BropError)) throw error;
      });
      if (row === undefined) damaged.push(height);
      await pause();
    }
    return damaged;
  }

  /** @param missing loses what was put back. */
  private async fromFiles(
    { name, files }: FileSource,
    segment: number,
    missing: number[],
    pause: Pause,
  ): Promise<void> {
    const { log } = this.parts;
    // A segment that is not whole is there in parts: a node gives any, a folder the one of its anchor.
    for (const count of new Set([SEGMENT_HEIGHTS, missing.at(-1)! - firstHeightOf(segment) + 1])) {
      const path = segmentPath(segment, count);
      try {
        for await (const { height, row } of segmentRows(files, segment, count, missing[0])) {
          if (missing.includes(height) && !(await this.take(height, row, missing)))
            throw new CodecError('schema', `block ${height} is not the one that was verified`);
          if (missing.length === 0 || this.stopped) return;
          await pause();
        }
      } catch (error) {
        if (this.stopped) return;
        const what = error instanceof Error ? error.message : String(error);
        if (error instanceof CodecError) log.warn('a file is wrong and was refused', { source: name, path, what });
        else if (error instanceof StoreError) log.warn('a source of files is out of reach', { source: name, what });
        else throw error;
      }
    }
  }

  /** Whether it had something of it. */
  private async fromPeer(peer: PeerId, missing: number[], pause: Pause): Promise<boolean> {
    const before = missing.length;
    const from = missing[0]!;
    for (const [i, row] of (await this.ask(peer, from)).entries()) {
      if (missing.includes(from + i)) await this.take(from + i, row, missing);
      await pause();
    }
    if (missing.length > 0) await new Promise<void>((next) => void this.parts.clock.schedule(ASK_AGAIN_MS, next));
    return missing.length < before;
  }

  private ask(peer: PeerId, from: number): Promise<readonly Row[]> {
    const { transport, clock } = this.parts;
    return new Promise((resolve) => {
      const answer = (rows: readonly Row[]) => {
        cancel();
        this.asked = null;
        resolve(rows);
      };
      const cancel = clock.schedule(ANSWER_TIMEOUT_MS, () => answer([]));
      this.asked = { peer, from, answer };
      if (!transport.send(peer, encodeMessage(['getBlocks', from]))) answer([]);
    });
  }

  /** Puts a block back when it is the one of this height. */
  private async take(height: number, row: Row, missing: number[]): Promise<boolean> {
    const { blocks } = this.parts.store;
    if (!blocks.isAsVerified(height, row) && !this.isFinal(height, row)) return false;
    await blocks.putBack(height, row);
    missing.splice(missing.indexOf(height), 1);
    return true;
  }

  private isFinal(height: number, row: Row): boolean {
    const { crypto, store } = this.parts;
    const block = decodedOrNothing(row);
    if (block === undefined) return false;
    const { header, headerBytes, certificate } = block;
    if (header.height !== height || !equal(header.chain, store.genesis.hash)) return false;
    const refused = verifyCertificate(crypto, store.validatorsAt(height), header, headerBytes, certificate);
    return refused === null && belongsToHeader(crypto, block);
  }
}

/** As many as a line of the log is to name. */
function few(heights: readonly number[]): number[] {
  return heights.slice(0, 16);
}

function decodedOrNothing(row: Row): StoredBlock | undefined {
  try {
    return decodeStoredBlock(...row);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
