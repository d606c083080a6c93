/**
 * Proposals on the wire: the others hold most of what a block packs, so that its proposer sends their names alone, the
 * SHA-256 of the exact bytes. Whoever lacks some asks the proposer for them, and for the whole when that does not come.
 * What is rebuilt is byte for byte the proposal that the proposer keeps; no two transactions share a name (ADR 0017).
 */
import { type Block, decodeBlock, encodeBlock, MAX_BLOCK_BYTES } from '../chain/block.ts';
import { decodeHeader } from '../chain/header.ts';
import { concat, equal, keyText } from '../codec/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Clock } from '../ports/clock.ts';
import type { PeerId } from '../ports/transport.ts';
import { fromPeer, Garbage } from './garbage.ts';
import type { Mempool } from './mempool.ts';
import { DIGEST_BYTES, encodeMessage, type MessageOf } from './messages.ts';
import type { ProposalMessage } from './proposals.ts';

export type CompactProposal = MessageOf<'compactProposal'>;

/** What came in here so lately may still be on its way to the others, and is sent along. */
const RECENT_MS = 50;
/** Asked for parts of a proposal, its proposer has so long; then it is asked for the whole. */
const ANSWER_MS = 300;
/** What one peer may ask for of one proposal: so many times its size. */
const MAX_ANSWERED_TIMES = 3;

interface OwnParts {
  readonly crypto: CryptoProvider;
  readonly mempool: Pick<Mempool, 'find'>;
  readonly clock: Clock;
}

/** A proposal of ours, as long as others may ask for it. */
export class OwnProposal {
  readonly round: number;
  private readonly parts: OwnParts;
  private readonly message: ProposalMessage;
  private readonly bytes: Uint8Array;
  private readonly block: Block;
  private readonly names: readonly Uint8Array[];
  private readonly answered = new Map<PeerId, number>();

  /** @param bytes the whole message. */
  constructor(parts: OwnParts, message: ProposalMessage, bytes: Uint8Array) {
    this.round = message[2];
    this.parts = parts;
    this.message = message;
    this.bytes = bytes;
    this.block = decodeBlock(message[7]);
    this.names = this.block.transactions.map((transaction) => parts.crypto.hash('sha-256', transaction));
  }

  /** The message for those who take part. */
  announcement(): Uint8Array {
    const { mempool, clock } = this.parts;
    const recent = clock.now() - RECENT_MS;
    const given = this.block.transactions.filter((_, i) => {
      const pending = mempool.find(keyText(this.names[i]!));
      return pending !== undefined && pending.arrivedMs > recent;
    });
    const [, height, round, validRound, proposer, key, signature, , polka] = this.message;
    const block = [this.block.headerBytes, concat(...this.names), given] as const;
    return encodeMessage(['compactProposal', height, round, validRound, proposer, key, signature, block, polka]);
  }

  /** What a peer asks for, as a message; null for what there is not, and for who asks without end. */
  answer(peer: PeerId, positions: readonly number[]): Uint8Array | null {
    const before = this.answered.get(peer) ?? 0;
    if (before >= MAX_ANSWERED_TIMES * this.bytes.length) return null;
    const answer = positions.length === 0 ? this.bytes : this.partsAt(positions);
    if (answer !== null) this.answered.set(peer, before + answer.length);
    return answer;
  }

  private partsAt(positions: readonly number[]): Uint8Array | null {
    const transactions = [...new Set(positions)].flatMap((position) => this.block.transactions[position] ?? []);
    if (transactions.length === 0) return null;
    return encodeMessage(['proposalParts', this.message[1], this.round, transactions]);
  }
}

/** A proposal of somebody else of which transactions are missing. */
interface Open {
  readonly message: CompactProposal;
  readonly receivedMs: number;
  readonly transactions: (Uint8Array | undefined)[];
  /** Names of all its transactions, as map keys; an answer may come twice, or after what it brings. */
  readonly names: ReadonlySet<string>;
  /** Positions by name, of those that are not here. */
  readonly missing: Map<string, number>;
  cancel: () => void;
}

/** A proposal as its proposer made it. */
export interface Rebuilt {
  readonly message: ProposalMessage;
  readonly bytes: Uint8Array;
  readonly receivedMs: number;
}

export interface CompactProposalsParts extends OwnParts {
  readonly send: (peer: PeerId, message: Uint8Array) => void;
}

/** Proposals of others: at most one of each proposer is being completed at a time. */
export class CompactProposals {
  private readonly parts: CompactProposalsParts;
  private readonly open = new Map<PeerId, Open>();

  constructor(parts: CompactProposalsParts) {
    this.parts = parts;
  }

  get count(): number {
    return this.open.size;
  }

  /** The height is over. */
  clear(): void {
    for (const { cancel } of this.open.values()) cancel();
    this.open.clear();
  }

  forget(peer: PeerId): void {
    this.open.get(peer)?.cancel();
    this.open.delete(peer);
  }

  /**
   * The proposal, when everything it names is here; else null, and its proposer has been asked for the rest.
   * @throws {Garbage}
   */
  take(peer: PeerId, message: CompactProposal, receivedMs: number): Rebuilt | null {
    const before = this.open.get(peer);
    const isAgain = before !== undefined && equal(before.message[6], message[6]);
    this.forget(peer);
    const rebuild = this.begin(message, isAgain ? before.receivedMs : receivedMs);
    if (rebuild.missing.size === 0) return complete(rebuild);
    this.open.set(peer, rebuild);
    // It was asked, and the answer is lost; or it is less work to have the whole than to ask for most of it.
    const isMost = 2 * rebuild.missing.size > rebuild.transactions.length;
    this.ask(peer, rebuild, isAgain || isMost ? [] : [...rebuild.missing.values()]);
    return null;
  }

  /**
   * Transactions that were asked for; null while some are missing, and for what nobody waits for any more.
   * @throws {Garbage} for others than those.
   */
  takeParts(peer: PeerId, [, height, round, transactions]: MessageOf<'proposalParts'>): Rebuilt | null {
    const rebuild = this.open.get(peer);
    if (rebuild === undefined || rebuild.message[1] !== height || rebuild.message[2] !== round) return null;
    for (const transaction of transactions) this.fill(rebuild, transaction);
    if (rebuild.missing.size > 0) return null;
    this.forget(peer);
    return complete(rebuild);
  }

  /** When a whole proposal of this peer was first heard of: as its names, perhaps, which is when it is judged by. */
  heardMs(peer: PeerId, message: ProposalMessage, receivedMs: number): number {
    const rebuild = this.open.get(peer);
    if (rebuild === undefined || !equal(rebuild.message[6], message[6])) return receivedMs;
    this.forget(peer);
    return rebuild.receivedMs;
  }

  private begin(message: CompactProposal, receivedMs: number): Open {
    const [, names, given] = message[7];
    if (names.length % DIGEST_BYTES !== 0) throw new Garbage('a proposal with part of a name');
    const count = names.length / DIGEST_BYTES;
    const transactions: (Uint8Array | undefined)[] = new Array(count).fill(undefined);
    const missing = new Map<string, number>();
    const seen = new Set<string>();
    for (let i = 0; i < count; i++) {
      const name = keyText(names.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES));
      seen.add(name);
      transactions[i] = this.parts.mempool.find(name)?.parsed.transaction.bytes;
      if (transactions[i] === undefined) missing.set(name, i);
    }
    if (seen.size !== count) throw new Garbage('a proposal that names a transaction twice');
    const rebuild = { message, receivedMs, transactions, names: seen, missing, cancel: () => {} };
    for (const transaction of given) this.fill(rebuild, transaction);
    return rebuild;
  }

  /** @throws {Garbage} for what the proposal does not name. */
  private fill({ names, missing, transactions }: Open, transaction: Uint8Array): void {
    const name = keyText(this.parts.crypto.hash('sha-256', transaction));
    if (!names.has(name)) throw new Garbage('a transaction that is not named');
    const position = missing.get(name);
    if (position === undefined) return;
    transactions[position] = transaction;
    missing.delete(name);
  }

  private ask(peer: PeerId, rebuild: Open, positions: readonly number[]): void {
    const [, height, round] = rebuild.message;
    this.parts.send(peer, encodeMessage(['getProposal', height, round, positions]));
    if (positions.length > 0) rebuild.cancel = this.parts.clock.schedule(ANSWER_MS, () => this.ask(peer, rebuild, []));
  }
}

function complete({ message, transactions, receivedMs }: Open): Rebuilt {
  const [, height, round, validRound, proposer, key, signature, [headerBytes], polka] = message;
  const header = fromPeer(() => decodeHeader(headerBytes));
  const block = encodeBlock({ header, headerBytes, transactions: transactions as Uint8Array[] });
  if (block.length > MAX_BLOCK_BYTES) throw new Garbage(`a proposal that names ${block.length} bytes`);
  const whole: ProposalMessage = ['proposal', height, round, validRound, proposer, key, signature, block, polka];
  return { message: whole, bytes: encodeMessage(whole), receivedMs };
}
