/** Catching up block by block. Nothing that a peer says is believed: every certificate and every block is verified. */
import { type Certificate, certificateChecks, type SignedMessage } from '../chain/certificate.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ExecutedBlock } from '../ledger/execute-block.ts';
import type { Clock } from '../ports/clock.ts';
import type { SignatureVerifier } from '../ports/signature-verifier.ts';
import type { PeerId, Transport } from '../ports/transport.ts';
import type { ChainStore } from './chain-store.ts';
import type { Executor } from './executor.ts';
import { fromPeer, Garbage } from './garbage.ts';
import { encodeMessage, MAX_BLOCKS, MAX_BLOCKS_BYTES, type MessageOf } from './messages.ts';
import type { Peers } from './peers.ts';
import { belongsToHeader, decodeStoredBlock, type StoredBlock } from './stored-block.ts';

export interface SyncParts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  readonly executor: Executor;
  readonly verifier: SignatureVerifier;
  readonly peers: Peers;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly commit: (executed: ExecutedBlock, certificate: Certificate) => Promise<void>;
}

/** A peer that was asked and has not answered after this long is passed over; a late answer is still welcome. */
const ANSWER_TIMEOUT_MS = 3_000;

/** Reading for a peer costs time that consensus needs: nobody gets more than 40 MB/s, and so 4 MB in a tenth of a second. */
const ANSWER_BYTES_PER_MS = 40_000;
const MAX_ANSWERED = 1_000;

export class Sync {
  private readonly parts: SyncParts;
  private asked: { readonly peer: PeerId; readonly atMs: number } | null = null;
  /** The peer that has last brought us on: asked again as long as it does. */
  private preferred: PeerId | null = null;
  private turn = 0;
  /** Until when a peer gets no further answer. */
  private readonly answered = new Map<PeerId, number>();

  constructor(parts: SyncParts) {
    this.parts = parts;
  }

  /** Asks one peer for the next blocks, when somebody has them and nobody is being asked. */
  look(): void {
    const { store, peers, transport, clock } = this.parts;
    if (this.asked !== null) {
      if (clock.now() - this.asked.atMs < ANSWER_TIMEOUT_MS) return;
      this.disappointed(this.asked.peer);
    }
    const candidates = peers.having(store.height + 1);
    const peer =
      candidates.find((id) => id === this.preferred) ?? candidates[this.turn++ % Math.max(1, candidates.length)];
    if (peer === undefined) return;
    if (transport.send(peer, encodeMessage(['getBlocks', store.height + 1]))) this.asked = { peer, atMs: clock.now() };
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
  answer(peer: PeerId, from: number): void {
    const { store, transport, clock } = this.parts;
    const freeMs = this.answered.get(peer) ?? 0;
    if (clock.now() < freeMs) return;
    const rows: (readonly [Uint8Array, Uint8Array])[] = [];
    let size = 0;
    for (let height = from; height <= store.height && rows.length < MAX_BLOCKS; height++) {
      const row = store.row(height);
      if (row === undefined) break;
      size += row[0].length + row[1].length;
      if (rows.length > 0 && size > MAX_BLOCKS_BYTES) break;
      rows.push(row);
    }
    if (this.answered.size > MAX_ANSWERED) this.answered.clear();
    this.answered.set(peer, clock.now() + Math.ceil(size / ANSWER_BYTES_PER_MS));
    transport.send(peer, encodeMessage(['blocks', rows]));
  }

  /**
   * Takes what continues the chain here. What is wrong ends the connection; what was right before it stays.
   * @throws {Garbage} after that.
   */
  async receive(peer: PeerId, rows: MessageOf<'blocks'>[1]): Promise<void> {
    const { store, peers } = this.parts;
    const wasAsked = this.asked?.peer === peer;
    if (wasAsked) this.asked = null;
    const before = store.height;
    try {
      for (const [block, commit] of rows)
        await this.take(
          peer,
          fromPeer(() => decodeStoredBlock(block, commit)),
        );
    } finally {
      // One block is what anybody pushes; a peer that gives no more of many is passed over for another.
      const isGenerous = store.height - before > 1 || peers.bestHeight <= store.height + 1;
      if (store.height > before) this.preferred = isGenerous ? peer : null;
      else if (wasAsked) this.disappointed(peer);
    }
  }

  private async take(peer: PeerId, block: StoredBlock): Promise<void> {
    const { crypto, store, executor, peers } = this.parts;
    const { height } = block.header;
    if (height !== store.height + 1) return;
    if (!(await this.isCertified(block))) throw new Garbage(`block ${height} without a valid certificate`);
    if (!belongsToHeader(crypto, block)) throw new Garbage(`block ${height} with transactions that are not its own`);
    // Known before the commit, which passes the block on to those that lack it.
    peers.setHeight(peer, height);
    const executed = await executor.judge(block);
    // Certified and whole, and yet it executes differently here: this node is wrong, or more than 2/3 are. It stops.
    if ('code' in executed) {
      throw new Error(`certified block ${height} does not execute here: ${executed.code} ${executed.detail ?? ''}`);
    }
    await this.parts.commit(executed, block.certificate);
  }

  private async isCertified({ header, headerBytes, certificate }: StoredBlock): Promise<boolean> {
    const { crypto, store, verifier } = this.parts;
    const checks = certificateChecks(crypto, store.validators, header, headerBytes, certificate);
    if (!Array.isArray(checks)) return false;
    const results = await verifier.verify(checks as readonly SignedMessage[], true);
    return results.every(Boolean);
  }
}
