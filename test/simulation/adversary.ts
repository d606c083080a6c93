/**
 * A Byzantine validator: a real node, so that it knows all that a validator knows, with a liar between it and the
 * network. The liar changes, withholds and replaces what the node sends, and sends lies of its own. It cannot forge
 * signatures; everything else it may do, and liars agree among themselves what to lie about.
 */
import { proposerIndex } from '../../node-core/consensus/index.ts';
import type { PeerId, Transport, TransportHandler } from '../../node-core/ports/transport.ts';
import { type CompactProposal, CompactProposals, OwnProposal } from '../../node-core/runtime/compact-proposals.ts';
import { Mempool } from '../../node-core/runtime/mempool.ts';
import { decodeMessage, encodeMessage, type Message, type WireVote } from '../../node-core/runtime/messages.ts';
import type { ProposalMessage } from '../../node-core/runtime/proposals.ts';
import type { Chance } from './chance.ts';
import { Forger, type Lie } from './forger.ts';
import type { Life, Machine } from './machine.ts';
import type { World } from './world.ts';

/**
 * What it does in a height. split: two blocks, and for each half of the peers the votes that go with its own. amnesia:
 * helps others to lock, never to decide, and proposes something else when it is its turn. chaos: each vote to each
 * peer is another matter. withhold: some peers get nothing of it, the others the truth. silent: nothing. honest: waits
 * for its moment. divide: where a liar proposes first, one correct machine alone comes to lock its block.
 */
const STRATEGIES = ['split', 'split', 'amnesia', 'amnesia', 'chaos', 'withhold', 'silent', 'honest'] as const;
const WHERE_A_LIAR_PROPOSES = [...STRATEGIES, 'divide'] as const;
export type Strategy = (typeof WHERE_A_LIAR_PROPOSES)[number];

const KEPT_MESSAGES = 200;

export class Adversary {
  private readonly world: World;
  private readonly machine: Machine;
  private readonly chance: Chance;
  private readonly forger: Forger;
  /** Sends what no peer can mistake for honest: garbage, absurd numbers. It is thrown out for it again and again. */
  private readonly isLoud: boolean;
  private readonly heard: { readonly from: PeerId; readonly bytes: Uint8Array }[] = [];
  private inner: Transport | null = null;
  private life: Life | null = null;
  private readonly strategies = new Map<number, Strategy>();
  private readonly muteSomebody: () => void;
  /** Who precommitted a block, by height and round. */
  private readonly precommits = new Map<string, Set<number>>();
  private seized = '';
  private common: { readonly at: string; readonly lie: Lie } | null = null;
  private isActive = true;
  private chosen: Strategy | null = null;

  /** @param muteSomebody the network is the liars' ally: one correct machine is heard by nobody for a while. */
  constructor(world: World, machine: Machine, isLoud: boolean, muteSomebody: () => void) {
    this.world = world;
    this.machine = machine;
    this.chance = machine.chance.fork('adversary');
    this.forger = new Forger(world, machine, this.chance.fork('forger'));
    this.isLoud = isLoud;
    this.muteSomebody = muteSomebody;
    machine.wrap = (transport, life) => this.wrap(transport, life);
  }

  /** From here on it is silent. */
  retire(): void {
    this.isActive = false;
  }

  start(): void {
    const again = () => {
      if (this.isActive && this.life?.alive === true && this.inner !== null) this.act(this.inner);
      this.world.scheduler.schedule(this.chance.between(50, 700), again);
    };
    this.world.scheduler.schedule(1_000, again);
  }

  private wrap(transport: Transport, life: Life): Transport {
    this.inner = transport;
    this.life = life;
    return {
      start: (handler) => transport.start(this.wrapHandler(handler)),
      send: (peer, bytes) => this.send(transport, peer, bytes),
      peers: () => transport.peers(),
      drop: () => {},
      close: () => transport.close(),
    };
  }

  /** Its own lies, that come back to it, are not for its node. */
  private wrapHandler(handler: TransportHandler): TransportHandler {
    return {
      ...handler,
      connected: (peer) => handler.connected(peer),
      disconnected: (peer) => handler.disconnected(peer),
      received: (peer, bytes) => {
        this.heard.push({ from: peer, bytes });
        if (this.heard.length > KEPT_MESSAGES) this.heard.shift();
        const message = decoded(bytes);
        if (message?.[0] === 'votes') {
          const others = message[1].filter((vote) => !this.isMine(vote));
          this.forger.learn(others);
          const useful = others.filter((vote) => !this.keepsFromNode(vote));
          if (useful.length > 0) handler.received(peer, encodeMessage(['votes', useful]));
        } else if (message?.[0] === 'proposal' || message?.[0] === 'compactProposal') {
          const whole = this.whole(message);
          if (whole !== null) this.forger.learnProposal(whole);
          const [, height, round, validRound, by, key, signature, , polka] = message;
          const others = polka.filter((vote) => !this.isMine(vote));
          const signed = [height, round, validRound, by, key, signature] as const;
          const heard: Message =
            message[0] === 'proposal'
              ? [message[0], ...signed, message[7], others]
              : [message[0], ...signed, message[7], others];
          handler.received(peer, encodeMessage(heard));
        } else {
          handler.received(peer, bytes);
        }
      },
    };
  }

  /** A proposal whose transactions its own node holds. */
  private whole(message: ProposalMessage | CompactProposal): ProposalMessage | null {
    const { node } = this.machine;
    if (message[0] === 'proposal' || node === null) return message[0] === 'proposal' ? message : null;
    const parts = { crypto: this.world.crypto, mempool: node.mempool, send: () => {} };
    const clock = { now: () => 0, schedule: () => () => {} };
    try {
      return new CompactProposals({ ...parts, clock }).take('', message, 0)?.message ?? null;
    } catch {
      return null;
    }
  }

  /** Names alone, of transactions that nobody may have and nobody will be given. */
  private named(message: ProposalMessage): Uint8Array {
    const parts = {
      crypto: this.world.crypto,
      mempool: new Mempool(),
      clock: { now: () => 0, schedule: () => () => {} },
    };
    this.world.count('proposals that liars name and do not give');
    return new OwnProposal(parts, message, encodeMessage(message)).announcement();
  }

  /**
   * In a height of amnesia its node must not decide, or it would leave the height that it is to spoil. When others
   * precommit and the next round is its own, it seizes that round.
   */
  private keepsFromNode([type, height, round, block, by]: WireVote): boolean {
    if (!this.isActive || type !== 1 || block === null || this.strategyOf(height) !== 'amnesia') return false;
    const at = `${height}/${round}`;
    const voters = this.precommits.get(at) ?? new Set();
    this.precommits.set(at, voters.add(by));
    this.precommits.delete(`${height - 2}/${round}`);
    const isMany = voters.size * 3 > this.world.sets.at(height).validators.length;
    if (isMany && this.isProposer(height, round + 1)) this.seize(height, round + 1);
    return true;
  }

  private seize(height: number, round: number): void {
    const { inner } = this;
    if (this.seized === `${height}/${round}` || inner === null) return;
    this.seized = `${height}/${round}`;
    const proposal = this.forger.freshProposal(height, round, 0);
    if (proposal === null) return;
    this.world.count('rounds seized by liars');
    for (const peer of inner.peers()) {
      this.tell(inner, peer, proposal);
      this.supportLater(inner, peer, height, round, this.forger.valueOf(proposal));
    }
  }

  private send(transport: Transport, peer: PeerId, bytes: Uint8Array): boolean {
    const message = decoded(bytes);
    if (!this.isActive) return message?.[0] === 'hello' && transport.send(peer, bytes);
    if (message === null) return transport.send(peer, bytes);
    if (this.withholds(peer, message)) return true;
    if (message[0] === 'votes') return this.sendVotes(transport, peer, message[1]);
    if (message[0] === 'proposal' || message[0] === 'compactProposal') {
      const whole = this.whole(message);
      return whole === null ? transport.send(peer, bytes) : this.sendProposal(transport, peer, whole, bytes);
    }
    if (message[0] === 'blocks' && this.chance.is(0.4)) return this.tell(transport, peer, this.forger.blocks(message));
    if (message[0] === 'status' && this.chance.is(0.1))
      return this.tell(transport, peer, ['status', this.chance.pick([0, message[1] + 3, 2 ** 53 - 1])]);
    return transport.send(peer, bytes);
  }

  private strategyOf(height: number): Strategy {
    const known = this.strategies.get(height);
    if (known !== undefined) return known;
    const isFirst = this.isLiarFirst(height);
    const drawn = this.world.chance.fork(`liars agree for ${height}`);
    const agreed = this.chosen ?? drawn.pick<Strategy>(isFirst ? WHERE_A_LIAR_PROPOSES : STRATEGIES);
    const strategy = agreed === 'divide' && !isFirst ? 'honest' : agreed;
    this.strategies.set(height, strategy);
    // Whoever is mute may decide alone, and the others do not know: then comes another block.
    if (strategy === 'amnesia' && this.forger.company === this.world.liars[0]) this.muteSomebody();
    return strategy;
  }

  /** Plays one part alone, at every height where it can. */
  play(strategy: Strategy): void {
    this.chosen = strategy;
  }

  /** Answers and what belongs to the height; greetings and statuses go out, or it would be taken for dead. */
  private withholds(peer: PeerId, message: Message): boolean {
    const height = (this.machine.node?.store.height ?? 0) + 1;
    if (this.strategyOf(height) !== 'withhold' || ['hello', 'status'].includes(message[0])) return false;
    return this.world.chance.fork(`withheld from ${peer} at ${height}`).is(0.5);
  }

  private isLiarFirst(height: number): boolean {
    return this.world.isLiar(this.world.sets.proposer(height, 0).id);
  }

  /**
   * The proposal goes to so many correct validators that with the liars they are just a quorum. To the first of them
   * all liars prevote the block; to all others they prevote nil, and the block right after. So it alone sees a polka,
   * and locks; the others can come to see it only if they take these prevotes for what they are together, later. Then
   * all liars fall silent: nothing goes on without the one that has locked.
   */
  private divide(transport: Transport, peer: PeerId, message: ProposalMessage, bytes: Uint8Array): boolean {
    const [, height, round] = message;
    const { consortium, liars, chance } = this.world;
    const index = consortium.peerIds.indexOf(peer);
    const correct = consortium.validators.map((_, i) => i).filter((i) => !liars.includes(i));
    if (round > 0 || !correct.includes(index)) return true;
    const quorum = Math.floor((2 * consortium.validators.length) / 3) + 1;
    const offset = chance.fork(`divided at ${height}`).below(correct.length);
    const place = (correct.indexOf(index) + offset) % correct.length;
    const value = this.forger.valueOf(message);
    if (place > 0) transport.send(peer, encodeMessage(['votes', this.forger.votesOfAllLiars(0, height, 0, null)]));
    transport.send(peer, encodeMessage(['votes', this.forger.votesOfAllLiars(0, height, 0, value)]));
    this.world.count('polkas that one machine alone sees');
    return place >= quorum - liars.length || transport.send(peer, bytes);
  }

  private tell(transport: Transport, peer: PeerId, lie: Lie): boolean {
    if (lie === null) return true;
    return transport.send(peer, lie instanceof Uint8Array ? lie : encodeMessage(lie));
  }

  private sendVotes(transport: Transport, peer: PeerId, votes: readonly WireVote[]): boolean {
    this.forger.learn(votes);
    const [, height, round] = votes[0]!;
    const strategy = this.strategyOf(height);
    const isMine = votes.every((vote) => this.isMine(vote));
    if (
      strategy === 'silent' ||
      strategy === 'divide' ||
      (strategy === 'split' && isMine && this.isProposer(height, round))
    )
      return true;
    const changed = votes.flatMap((vote) => (this.isMine(vote) ? this.lieAbout(strategy, vote) : [vote]));
    return changed.length === 0 || transport.send(peer, encodeMessage(['votes', changed]));
  }

  private lieAbout(strategy: Strategy, vote: WireVote): WireVote[] {
    const [type, height, round, block] = vote;
    if (strategy === 'amnesia') return type === 0 ? [vote] : [this.forger.vote(1, height, round, null)];
    if (strategy !== 'chaos') return [vote];
    const roll = this.chance.unit();
    if (roll < 0.25) return [];
    if (roll < 0.5) return [this.forger.vote(type, height, round, this.forger.someValue(height))];
    if (roll < 0.6) return [vote, this.forger.vote(type, height, round, this.forger.someValue(height))];
    if (roll < 0.7 && block !== null) return [this.forger.vote(type, height, round, [block[0], this.chance.bytes(32)])];
    return [vote];
  }

  private isMine([, height, , , by]: WireVote): boolean {
    return by === this.forger.indexAt(height);
  }

  private isProposer(height: number, round: number): boolean {
    const { sets } = this.world;
    return proposerIndex(sets.at(height).validators, height, round) === this.forger.indexAt(height);
  }

  private sendProposal(transport: Transport, peer: PeerId, message: ProposalMessage, bytes: Uint8Array): boolean {
    const [, height, round] = message;
    const strategy = this.strategyOf(height);
    this.forger.learnProposal(message);
    if (strategy === 'honest' || strategy === 'withhold') return transport.send(peer, bytes);
    if (strategy === 'divide') return this.divide(transport, peer, message, bytes);
    if (strategy === 'silent') return true;
    if (strategy === 'chaos') {
      if (this.chance.is(0.1)) return transport.send(peer, this.named(message));
      return this.tell(transport, peer, this.wrongForAll(message));
    }
    // split and amnesia: a fresh block of its own for each half; for amnesia the halves are one.
    const half = strategy === 'split' ? this.halfOf(peer) : 0;
    const other = this.forger.freshProposal(height, round, half);
    if (other === null) return transport.send(peer, bytes);
    this.supportLater(transport, peer, height, round, this.forger.valueOf(other));
    return this.tell(transport, peer, other);
  }

  /** A lie that all hear alike is the one that they might agree on. */
  private wrongForAll(message: ProposalMessage): Lie {
    const at = `${message[1]}/${message[2]}`;
    if (this.common?.at !== at) {
      this.common = { at, lie: this.chance.is(0.2) ? message : this.forger.wrongProposal(message[2]) };
    }
    return this.chance.is(0.2) ? this.forger.wrongProposal(message[2]) : this.common.lie;
  }

  private halfOf(peer: PeerId): number {
    return this.world.consortium.peerIds.indexOf(peer) % 2;
  }

  /** Votes for what this peer was given, whatever anybody else said; the other liars' votes come along. */
  private supportLater(
    transport: Transport,
    peer: PeerId,
    height: number,
    round: number,
    value: readonly [Uint8Array, Uint8Array],
  ): void {
    for (const type of [0, 1] as const) {
      this.world.scheduler.schedule(this.chance.between(1, 60) + 120 * type, () => {
        const votes = this.forger.votesOfAllLiars(type, height, round, value);
        if (this.life?.alive === true && this.isActive) transport.send(peer, encodeMessage(['votes', votes]));
      });
    }
  }

  /** Now and then something on its own account. */
  private act(transport: Transport): void {
    const peers = transport.peers();
    if (peers.length === 0) return;
    const peer = this.chance.pick(peers);
    const node = this.machine.node;
    if (node === null) return;
    const height = node.store.height + 1;
    if (this.strategyOf(height) === 'divide') return;
    const round = node.consensus?.round ?? 0;
    this.tell(
      transport,
      peer,
      this.isLoud && this.chance.is(0.3) ? this.loudLie(height, round) : this.quietLie(height, round),
    );
  }

  private quietLie(height: number, round: number): Lie {
    switch (this.chance.below(8)) {
      case 0:
        return this.heard.length === 0 ? null : replayable(this.chance.pick(this.heard).bytes);
      case 1:
        return [
          'votes',
          [
            this.forger.vote(
              this.chance.is(0.5) ? 0 : 1,
              height,
              round + this.chance.below(3),
              this.forger.someValue(height),
            ),
          ],
        ];
      case 2:
        return this.forger.forgedBlocks();
      case 3:
        return this.forger.wrongProposal(round + this.chance.below(3));
      case 4:
        return this.forger.alteredProposal(height);
      case 5:
        return this.forger.gathered(height);
      case 6:
        return this.forger.stuffedBlocks();
      default:
        return this.forger.manyVotes(height, this.chance.is(0.1) ? 400 : 5);
    }
  }

  private loudLie(height: number, round: number): Lie {
    switch (this.chance.below(10)) {
      case 0:
        return this.chance.bytes(this.chance.below(300));
      case 1: {
        const bytes = this.heard.length === 0 ? this.chance.bytes(9) : this.chance.pick(this.heard).bytes.slice();
        bytes[this.chance.below(bytes.length)]! ^= 1 << this.chance.below(8);
        return bytes;
      }
      case 2:
        return ['votes', [this.forger.vote(1, this.chance.pick([1, height + 1, 2 ** 53 - 1]), 1_000_000, null)]];
      case 3:
        return ['hello', this.world.consortium.genesis.hash, this.chance.pick([0, height + 5, 2 ** 53 - 1])];
      case 4:
        return ['hello', this.chance.bytes(32), 5];
      case 5:
        return [
          'transactions',
          Array.from({ length: 1 + this.chance.below(5) }, () => this.chance.bytes(1 + this.chance.below(300))),
        ];
      case 6:
        return this.forger.brokenProposal(height, round);
      case 7:
        return ['getBlocks', this.chance.pick([1, height, 2 ** 53 - 1])];
      case 8:
        return this.forger.forgedEvidence();
      default:
        return this.forger.unsignedVotes(height, round);
    }
  }
}

function decoded(bytes: Uint8Array): Message | null {
  try {
    return decodeMessage(bytes);
  } catch {
    return null;
  }
}

/** An old hello would end the connection; that lie is a loud one. */
function replayable(bytes: Uint8Array): Uint8Array | null {
  return decoded(bytes)?.[0] === 'hello' ? null : bytes;
}
