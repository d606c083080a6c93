/** The workshop of a liar: everything it can make with its own key and what it has heard. */
import { type Block, decodeBlock, encodeBlock } from '../../node-core/chain/block.ts';
import type { Certificate } from '../../node-core/chain/certificate.ts';
import { encodeEquivocation, type SignedContent } from '../../node-core/chain/equivocation.ts';
import { encodeHeader, type Header } from '../../node-core/chain/header.ts';
import { headerHash } from '../../node-core/chain/identifiers.ts';
import { commitSchema, type StoredBlock } from '../../node-core/chain/stored-block.ts';
import { proposalMessage, voteMessage } from '../../node-core/chain/votes.ts';
import { encode } from '../../node-core/codec/cbor.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import { proposerIndex } from '../../node-core/consensus/index.ts';
import type { ExecutedBlock } from '../../node-core/ledger/execute-block.ts';
import { operationsOf } from '../../node-core/protocol/table.ts';
import { Executor } from '../../node-core/runtime/executor.ts';
import { Mempool } from '../../node-core/runtime/mempool.ts';
import type { Message, WireVote } from '../../node-core/runtime/messages.ts';
import type { Chance } from './chance.ts';
import { signWith } from './fixture.ts';
import type { Machine } from './machine.ts';
import { START_MS, type World } from './world.ts';

type Proposal = Extract<Message, readonly ['proposal', ...unknown[]]>;
type Blocks = Extract<Message, readonly ['blocks', ...unknown[]]>;
type MadeBlock = Omit<StoredBlock, 'certificate'>;
type Value = readonly [Uint8Array, Uint8Array];
/** A message, raw bytes, or nothing at all. */
export type Lie = Message | Uint8Array | null;

const KEPT_VALUES = 20;
const KEPT_VOTES = 400;

export class Forger {
  /** Which validator of the genesis it is; its index changes with the set. */
  readonly company: number;
  private readonly world: World;
  private readonly machine: Machine;
  private readonly chance: Chance;
  private readonly values = new Map<number, Value[]>();
  private votes: WireVote[] = [];
  private proposals: Proposal[] = [];
  private readonly made = new Map<string, Proposal>();

  constructor(world: World, machine: Machine, chance: Chance) {
    this.world = world;
    this.machine = machine;
    this.chance = chance;
    this.company = machine.options.validator!.index;
  }

  /** Index at a height of this liar, or of another validator of the genesis. One that is out pretends. */
  indexAt(height: number, company = this.company): number {
    const index = this.world.sets.indexOf(height, this.accountOf(company));
    return index === -1 ? company : index;
  }

  private accountOf(company: number): Uint8Array {
    return this.world.consortium.genesis.validators.validators[company]!.id;
  }

  learn(votes: readonly WireVote[]): void {
    this.votes = [...this.votes, ...votes].slice(-KEPT_VOTES);
    for (const [, height, , block] of votes) if (block !== null) this.learnValue(height, block);
  }

  /** What other liars say may be no block at all. */
  learnProposal(message: Proposal): void {
    try {
      decodeBlock(message[7]);
    } catch (error) {
      if (error instanceof CodecError) return;
      throw error;
    }
    this.proposals = [...this.proposals, message].slice(-20);
    this.learn(message[8]);
    this.learnValue(message[1], this.valueOf(message));
  }

  private learnValue(height: number, value: Value): void {
    const known = this.values.get(height) ?? [];
    if (known.length < KEPT_VALUES) this.values.set(height, [...known, value]);
    this.values.delete(height - 3);
  }

  someValue(height: number): Value | null {
    const known = this.values.get(height) ?? [];
    return known.length === 0 || this.chance.is(0.3) ? null : this.chance.pick(known);
  }

  vote(type: 0 | 1, height: number, round: number, block: Value | null, by = this.company): WireVote {
    const { crypto, consortium } = this.world;
    const reference = block === null ? null : { headerHash: block[0], logRoot: block[1] };
    const message = voteMessage(crypto, type === 0 ? 'prevote' : 'precommit', this.scope(height, round, by), reference);
    return [type, height, round, block, this.indexAt(height, by), 0, signWith(consortium.validators[by]!, message)];
  }

  private scope(height: number, round: number, by: number) {
    const { genesis, validators } = this.world.consortium;
    const key = validators[by]!.publicKey;
    return { chain: genesis.hash, protocolVersion: 1, height, round, validator: this.accountOf(by), key };
  }

  /** The liars share their keys. */
  votesOfAllLiars(type: 0 | 1, height: number, round: number, value: Value | null): WireVote[] {
    return this.world.liars.map((by) => this.vote(type, height, round, value, by));
  }

  /** As many different votes as somebody may care to keep. */
  manyVotes(height: number, count: number): Lie {
    const one = () =>
      this.vote(this.chance.is(0.5) ? 0 : 1, height, this.chance.below(100_000), [
        this.chance.bytes(32),
        this.chance.bytes(32),
      ]);
    return ['votes', Array.from({ length: count }, one)];
  }

  /** Good and bad votes of others together, mixed over heights and rounds. */
  gathered(height: number): Lie {
    const of = this.chance.some(this.votes, 0.1).slice(0, 50);
    const mixed = this.chance.is(0.3) ? of : of.filter((vote) => vote[1] === height);
    return mixed.length === 0 ? null : ['votes', mixed];
  }

  unsignedVotes(height: number, round: number): Lie {
    const [type, , , block, , key] = this.vote(0, height, round, this.someValue(height));
    const victim = this.chance.below(this.world.sets.at(height).validators.length);
    return ['votes', [[type, height, round, block, victim, key, this.chance.bytes(64)]]];
  }

  valueOf(message: Proposal): Value {
    const block = decodeBlock(message[7]);
    return [headerHash(this.world.crypto, block.headerBytes), block.header.logRoot];
  }

  /** A valid block of its own, the same one each time it is asked for the same variant. */
  freshProposal(height: number, round: number, variant: number): Proposal | null {
    const name = `${height}/${round}/${variant}`;
    const known = this.made.get(name);
    if (known !== undefined) return known;
    const block = this.freshBlock(round, variant);
    if (block === null || block.header.height !== height) return null;
    const proposal = this.sign(block, round, -1);
    this.made.set(name, proposal);
    return proposal;
  }

  private sign(block: Block, round: number, validRound: number, by = this.company): Proposal {
    const { crypto, consortium } = this.world;
    const { height, logRoot } = block.header;
    const value = { headerHash: headerHash(crypto, block.headerBytes), logRoot };
    const signature = signWith(
      consortium.validators[by]!,
      proposalMessage(crypto, this.scope(height, round, by), value, validRound),
    );
    return ['proposal', height, round, validRound, this.indexAt(height, by), 0, signature, encodeBlock(block), []];
  }

  /** Executed honestly over its own chain, with few or no transactions. */
  private freshBlock(round: number, variant: number, timeMs?: number): MadeBlock | null {
    const { node, life } = this.machine;
    if (node === null || life === null) return null;
    const { crypto } = this.world;
    const mempool = new Mempool();
    for (const pending of node.mempool.all()) if (variant > 0 && this.chance.is(0.5)) mempool.add(pending);
    const log = this.world.logOf('a liar', () => {});
    const executor = new Executor({
      crypto,
      store: node.store,
      mempool,
      verifier: life.verifier(),
      table: operationsOf(1),
      log,
    });
    const now = Math.max(Math.floor(START_MS + this.world.nowMs) + variant, node.store.timeMs + 1 + variant);
    const proposer = this.accountOf(this.company);
    const executed: ExecutedBlock = executor.build({ timeMs: timeMs ?? now, round, proposer });
    const { header, headerBytes, results } = executed;
    return { header, headerBytes, results, transactions: executed.transactions.map((t) => t.transaction.bytes) };
  }

  /** Signed by it, and wrong in one way. */
  wrongProposal(round: number): Lie {
    const { node } = this.machine;
    const block = this.freshBlock(round, 1);
    if (node === null || block === null) return null;
    const { height } = block.header;
    switch (this.chance.below(7)) {
      case 0:
        return this.sign(withHeader(block, this.wrongResult(block)), round, -1);
      case 1:
        return this.sign(
          this.freshBlock(round, 0, node.store.timeMs + 1 + this.chance.below(500_000_000)) ?? block,
          round,
          -1,
        );
      case 2:
        return this.sign(withHeader(block, { timeMs: this.chance.pick([0, 2 ** 53 - 1]) }), round, -1);
      case 3:
        return this.sign({ ...block, transactions: [...block.transactions, this.chance.bytes(300)] }, round, -1);
      case 4:
        // The right header, and transactions that are not its own.
        return this.sign({ ...block, transactions: block.transactions.slice(1) }, round, -1);
      case 5:
        return this.sign(
          withHeader(block, { height: this.chance.pick([1, height + 1, 2 ** 53 - 1]), round: 2 ** 40 }),
          round,
          -1,
        );
      default:
        return this.repeated(round);
    }
  }

  /** A header that lies about what came of its transactions. */
  private wrongResult({ header }: MadeBlock): Partial<Header> {
    const root = this.chance.pick(['stateRoot', 'logRoot', 'blockRoot', 'eventsRoot'] as const);
    const count = this.chance.pick(['logSize', 'transactionCount', 'eventCount'] as const);
    return this.chance.is(0.7) ? { [root]: this.chance.bytes(32) } : { [count]: header[count] + 1 };
  }

  /** A block of an earlier round as if it were fresh, or with a round that it was never valid in. */
  private repeated(round: number): Lie {
    const old = this.proposals.filter((proposal) => proposal[1] === (this.machine.node?.store.height ?? 0) + 1);
    if (old.length === 0) return null;
    return this.sign(decodeBlock(this.chance.pick(old)[7]), round, this.chance.pick([-1, 0, Math.max(0, round - 1)]));
  }

  /** Somebody else's proposal with other transactions under the same header. */
  alteredProposal(height: number): Lie {
    const old = this.proposals.filter((proposal) => proposal[1] === height);
    if (old.length === 0) return null;
    const [kind, , round, validRound, by, key, signature, bytes, polka] = this.chance.pick(old);
    const block = decodeBlock(bytes);
    const transactions = this.chance.is(0.5)
      ? block.transactions.slice(1)
      : [...block.transactions, this.chance.bytes(200)];
    return [kind, height, round, validRound, by, key, signature, encodeBlock({ ...block, transactions }), polka];
  }

  /** A proposal in its own round whose block is no block. */
  brokenProposal(height: number, round: number): Lie {
    const members = this.world.sets.at(height).validators;
    const index = this.indexAt(height);
    const mine = [0, 1, 2, 3, 4, 5, 6]
      .map((ahead) => round + ahead)
      .find((at) => proposerIndex(members, height, at) === index);
    return [
      'proposal',
      height,
      mine ?? round,
      -1,
      index,
      0,
      this.chance.bytes(64),
      this.chance.bytes(1 + this.chance.below(500)),
      [],
    ];
  }

  /** "Evidence" against a correct validator: two of its true votes for two rounds as if for one, or signed by nobody. */
  forgedEvidence(): Lie {
    const { genesis, validators } = this.world.consortium;
    const victim = this.chance.below(validators.length);
    const genuine = this.votes.filter(([type, height, , , by]) => type === 0 && height === 1 && by === victim);
    const content = (fill: number): SignedContent => {
      const vote = genuine.length === 0 ? null : this.chance.pick(genuine);
      const value = vote === null ? ([this.chance.bytes(32), new Uint8Array(32).fill(fill)] as const) : vote[3];
      return [0, value, null, vote?.[6] ?? this.chance.bytes(64)];
    };
    const evidence = encodeEquivocation({
      type: 'brop.equivocation.v1',
      ...{ genesis: genesis.bytes, setChanges: [], parent: null, height: 1, round: 0, kind: 0 },
      validator: genesis.validators.validators[victim]!.id,
      first: content(1),
      second: content(2),
    });
    return ['equivocation', evidence];
  }

  /** A block of its own as if all had certified it: with its own signature, with stolen ones, with too few. */
  forgedBlocks(): Lie {
    const block = this.freshBlock(0, this.chance.below(2));
    if (block === null) return null;
    const value: Value = [headerHash(this.world.crypto, block.headerBytes), block.header.logRoot];
    const { height } = block.header;
    const self = this.indexAt(height);
    const mine = this.vote(1, height, 0, value)[6];
    const stolen = (index: number) => this.votes.find((vote) => vote[4] === index)?.[6] ?? this.chance.bytes(64);
    const all = this.world.sets
      .at(height)
      .validators.map((_, index) => [index, 0, index === self ? mine : stolen(index)] as const);
    const certificate: Certificate = [0, this.chance.is(0.3) ? [[self, 0, mine]] : all];
    return this.rows([{ ...block, certificate }]);
  }

  /** A final block with other transactions in it, after some that are right, and garbage after that. */
  stuffedBlocks(): Lie {
    const { node } = this.machine;
    if (node === null || node.store.height === 0) return null;
    const rows: StoredBlock[] = [];
    for (let height = Math.max(1, node.store.height - 2); height <= node.store.height; height++) {
      const stored = node.store.recentBlock(height);
      if (stored !== undefined) rows.push(stored);
    }
    const last = rows.at(-1)!;
    const transactions = this.chance.is(0.5) ? [] : [...last.transactions, this.chance.bytes(50)];
    const message = this.rows([...rows.slice(0, -1), { ...last, transactions }]);
    return this.chance.is(0.5)
      ? message
      : ['blocks', [...message[1].slice(0, -1), [Uint8Array.of(0x80), message[1].at(-1)![1]]]];
  }

  private rows(blocks: readonly StoredBlock[]): Blocks {
    return [
      'blocks',
      blocks.map(
        (block) => [encodeBlock(block), encode(commitSchema.encode([block.certificate, block.results]))] as const,
      ),
    ];
  }

  /** What it says instead of the blocks that it was asked for. */
  blocks(message: Blocks): Lie {
    switch (this.chance.below(5)) {
      case 0:
        return null;
      case 1:
        return ['blocks', []];
      case 2:
        return ['blocks', message[1].slice(1)];
      case 3:
        return this.forgedBlocks();
      default:
        return this.stuffedBlocks();
    }
  }
}

function withHeader(block: Block, change: Partial<Block['header']>): Block {
  const header = { ...block.header, ...change };
  return { ...block, header, headerBytes: encodeHeader(header) };
}
