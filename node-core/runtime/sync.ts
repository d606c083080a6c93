/** Catching up block by block. Nothing that a peer says is believed: every certificate and every block is verified. */
import { BropError } from '../chain/codes.ts';
import type { Row } from '../chain/segment.ts';
import { decodeStoredBlock, type StoredBlock } from '../chain/stored-block.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PeerId, Transport } from '../ports/transport.ts';
import { BadBlock, type BlockIntake } from './block-intake.ts';
import type { ChainStore } from './chain-store.ts';
import type { CheckedAhead } from './checked-ahead.ts';
import { hasPassed } from './elapsed.ts';
import { fromPeer, Garbage } from './garbage.ts';
import { encodeMessage, MAX_BLOCKS, MAX_BLOCKS_BYTES, type MessageOf } from './messages.ts';
import type { Peers } from './peers.ts';
import { readAhead } from './read-ahead.ts';

export interface SyncParts {
  readonly store: ChainStore;
  readonly intake: BlockIntake;
  readonly ahead: CheckedAhead;
  readonly peers: Peers;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether plain files bring the chain on at the moment: peers are not asked as well. */
  readonly isBroughtOn: () => boolean;
}

/** A peer that was asked and has not answered after this long is passed over; a late answer is still welcome. */
const ANSWER_TIMEOUT_MS = 3_000;

/** Reading for a peer costs time that consensus needs: nobody gets more than 40 MB/s, and so 4 MB in a tenth of a second. */
const ANSWER_BYTES_PER_MS = 40_000;
const MAX_ANSWERED = 1_000;

export class Sync {
  private readonly parts: SyncParts;
  private asked: { readonly peer: PeerId; readonly from: number; readonly atMs: number } | null = null;
  /** Blocks are being taken in: what comes after them is asked for when they are here. */
  private taking = false;
  /** The peer that has last brought us on: asked again as long as it does. */
  private preferred: PeerId | null = null;
  private turn = 0;
  /** When a peer got its last answer, and for how long it gets no other. */
  private readonly answered = new Map<PeerId, { readonly atMs: number; readonly forMs: number }>();

  constructor(parts: SyncParts) {
    this.parts = parts;
  }

  /** Asks one peer for the next blocks, when somebody has them and nobody is being asked. */
  look(): void {
    const { store, peers, transport, clock, isBroughtOn } = this.parts;
    if (isBroughtOn() || this.taking) return;
    if (this.asked !== null) {
      if (!hasPassed(clock.now(), this.asked.atMs, ANSWER_TIMEOUT_MS)) return;
      this.disappointed(this.asked.peer);
    }
    const candidates = peers.having(store.height + 1);
    const peer =
      candidates.find((id) => id === this.preferred) ?? candidates[this.turn++ % Math.max(1, candidates.length)];
    if (peer === undefined) return;
    const from = store.height + 1;
    if (transport.send(peer, encodeMessage(['getBlocks', from]))) this.asked = { peer, from, atMs: clock.now() };
  }

  /** It has not given what it said it had. */
  private disappointed(peer: PeerId): void {
    this.asked = null;
    if (this.preferred === peer) this.preferred = null;
    this.parts.peers.distrustHeight(peer);
  }

  disconnected(peer: PeerId): void {
    if (this.asked?.peer === peer) this.asked = null;
    if (this.preferred === peer) this.preferred = null;
  }

  /** Blocks from `from` on, as many as an answer may hold, in the bytes in which they are stored. */
  async answer(peer: PeerId, from: number): Promise<void> {
    const { store, transport, clock } = this.parts;
    const last = this.answered.get(peer);
    if (last !== undefined && !hasPassed(clock.now(), last.atMs, last.forMs)) return;
    if (this.answered.size > MAX_ANSWERED) this.answered.clear();
    // While it is being answered, and then as long as that answer is worth.
    this.answered.set(peer, { atMs: clock.now(), forMs: ANSWER_TIMEOUT_MS });
    const rows: Row[] = [];
    let size = 0;
    for (let height = from; height <= store.height && rows.length < MAX_BLOCKS; height++) {
      const row = await this.soundRow(height);
      if (row === undefined) break;
      size += row[0].length + row[1].length;
      if (rows.length > 0 && size > MAX_BLOCKS_BYTES) break;
      rows.push(row);
    }
    this.answered.set(peer, { atMs: clock.now(), forMs: Math.ceil(size / ANSWER_BYTES_PER_MS) });
    transport.send(peer, encodeMessage(['blocks', rows]));
  }

  /** What is damaged here is for others to give. */
  private async soundRow(height: number): Promise<Row | undefined> {
    try {
      return await this.parts.store.row(height);
    } catch (error) {
      if (!(error instanceof BropError)) throw error;
      this.parts.log.error('a block is not given to a peer', { height, error: error.message });
      return undefined;
    }
  }

  /**
   * Takes what continues the chain here. What is wrong ends the connection; what was right before it stays.
   * @throws {Garbage} after that.
   */
  async receive(peer: PeerId, rows: MessageOf<'blocks'>[1]): Promise<void> {
    const { store, peers } = this.parts;
    const before = store.height;
    const wasAsked = this.asked?.peer === peer;
    // The block has come from consensus meanwhile, and the answer cannot bring it once more.
    const isOverdue = wasAsked && this.asked!.from <= before;
    if (wasAsked) this.asked = null;
    this.taking = true;
    try {
      for await (const block of readAhead(this.checkedAhead(rows))) await this.take(peer, block);
    } finally {
      this.parts.ahead.clear();
      this.taking = false;
      // One block is what anybody pushes; a peer that gives no more of many is passed over for another.
      const isGenerous = store.height - before > 1 || peers.bestHeight <= store.height + 1;
      if (store.height > before) this.preferred = isGenerous ? peer : null;
      else if (wasAsked && !isOverdue) this.disappointed(peer);
    }
  }

  /** The signatures of a block are checked while the one before it executes; the first is none that waits for that. */
  private async *checkedAhead(rows: readonly Row[]): AsyncGenerator<StoredBlock> {
    for (const [i, [bytes, commit]] of rows.entries()) {
      const block = fromPeer(() => decodeStoredBlock(bytes, commit));
      if (i > 0 && block.header.height > this.parts.store.height) await this.parts.ahead.check([block]);
      yield block;
    }
  }

  private async take(peer: PeerId, block: StoredBlock): Promise<void> {
    const { intake, peers } = this.parts;
    try {
      // Known before the commit, which passes the block on to those that lack it.
      await intake.take(block, () => peers.setHeight(peer, block.header.height));
    } catch (error) {
      throw error instanceof BadBlock ? new Garbage(error.message, { cause: error }) : error;
    }
  }
}
