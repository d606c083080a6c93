/** Watches what correct machines commit, and what they still have after they come back. */
import type { Certificate } from '../../node-core/chain/certificate.ts';
import { headerHash } from '../../node-core/chain/identifiers.ts';
import { voteMessage } from '../../node-core/chain/votes.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { ExecutedBlock } from '../../node-core/ledger/execute-block.ts';
import type { ChainStore } from '../../node-core/runtime/chain-store.ts';
import type { Life, Machine } from './machine.ts';
import { type FinalBlock, isMoreThanTwoThirds } from './set-book.ts';
import { START_MS, type World } from './world.ts';

interface Agreed {
  readonly hash: string;
  readonly stateRoot: string;
  readonly timeMs: number;
  readonly by: string;
}

export class ChainWatch {
  private readonly world: World;
  /** The one chain: whoever commits a height first says what it is. */
  readonly agreed = new Map<number, Agreed>();
  private readonly packedAt = new Map<string, number>();

  constructor(world: World) {
    this.world = world;
  }

  get height(): number {
    return this.agreed.size;
  }

  /** A correct machine tells that a block is final: from here on it is acknowledged. */
  committed(life: Life, store: ChainStore, block: ExecutedBlock): void {
    const { machine } = life;
    const { name } = machine.options;
    const { height } = block.header;
    if (machine.life === life) machine.acknowledgedHeight = Math.max(machine.acknowledgedHeight, height);
    this.world.note(`commit ${name} ${height}`, block.headerHash);
    const mine = {
      hash: toHex(block.headerHash),
      stateRoot: toHex(block.header.stateRoot),
      timeMs: block.header.timeMs,
      by: name,
    };
    checkAgreement(this.world, this.agreed, height, mine);
    if (height === this.world.sets.knownTo) this.world.sets.take(finalBlock(block));
    checkTime(this.world, this.agreed, height, mine);
    checkExecutedOnce(this.world, this.packedAt, block);
    checkStoredCertificate(this.world, name, store, height);
  }

  /** What a machine has told before it went down must be there when it comes back. */
  booted(machine: Machine, store: ChainStore): void {
    // What is damaged may be the newest block itself, which is noticed when it is used.
    if (machine.isDamaged) return;
    // Durable, but nobody was told before the crash: it is the chain all the same.
    for (let height = this.height + 1; height <= store.height; height++) {
      const { headerBytes, header, transactions, results } = store.recentBlock(height)!;
      const hash = toHex(headerHash(this.world.crypto, headerBytes));
      const row = { hash, stateRoot: toHex(header.stateRoot), timeMs: header.timeMs, by: machine.options.name };
      checkAgreement(this.world, this.agreed, height, row);
      this.world.sets.take({ header, transactions: transactions.map((bytes, i) => [bytes, results[i]![0]]) });
    }
    checkNothingLost(this.world, machine, store, this.agreed);
  }
}

function finalBlock({ header, transactions, results }: ExecutedBlock): FinalBlock {
  return { header, transactions: transactions.map(({ transaction }, i) => [transaction.bytes, results[i]![0]]) };
}

/** All correct machines' chains are prefixes of one another, with the same state roots. */
function checkAgreement(world: World, agreed: Map<number, Agreed>, height: number, mine: Agreed): void {
  const before = agreed.get(height);
  if (before === undefined) {
    agreed.set(height, mine);
    if (height > 1 && !agreed.has(height - 1))
      world.fail('agreement', `${mine.by} committed ${height} before ${height - 1} existed`);
  } else if (before.hash !== mine.hash || before.stateRoot !== mine.stateRoot) {
    world.fail(
      'agreement',
      `height ${height}: ${before.by} has ${before.hash.slice(0, 8)}, ${mine.by} has ${mine.hash.slice(0, 8)}`,
    );
  }
}

/** Block times strictly ascend, and none is from the future: correct clocks differ by less than the precision. */
function checkTime(world: World, agreed: Map<number, Agreed>, height: number, mine: Agreed): void {
  const { timeMs: genesisMs, parameters } = world.consortium.genesis.document;
  const parentMs = agreed.get(height - 1)?.timeMs ?? genesisMs;
  if (mine.timeMs <= parentMs) world.fail('time', `height ${height} has time ${mine.timeMs}, its parent ${parentMs}`);
  const aheadMs = mine.timeMs - (START_MS + world.nowMs);
  if (aheadMs > 2 * parameters.precisionMs)
    world.fail('time', `block ${height} is from ${Math.round(aheadMs)} ms in the future`);
}

/** Every transaction is executed at most once per (sender, nonce). */
function checkExecutedOnce(world: World, packedAt: Map<string, number>, block: ExecutedBlock): void {
  const { height } = block.header;
  const here = new Set<string>();
  for (const { transaction } of block.transactions) {
    const identity = toHex(transaction.sender) + toHex(transaction.nonce);
    const before = packedAt.get(identity);
    if (here.has(identity) || (before !== undefined && before !== height)) {
      world.fail(
        'executed once',
        `(sender, nonce) ${identity.slice(0, 12)} is in blocks ${before ?? height} and ${height}`,
      );
    }
    here.add(identity);
    packedAt.set(identity, height);
  }
}

/** The certificate beside a block: good signatures of different validators with more than 2/3 of the power at its height. */
function checkStoredCertificate(world: World, name: string, store: ChainStore, height: number): void {
  const stored = store.recentBlock(height);
  if (stored === undefined) {
    world.fail('certificate', `${name} told of block ${height} and does not have it`);
    return;
  }
  const { header, headerBytes, certificate } = stored;
  const signers = signersOf(world, header, headerBytes, certificate);
  if (!isMoreThanTwoThirds(world.sets.at(height), signers))
    world.fail('certificate', `${name} took block ${height} with the signatures of ${signers.join(', ')} alone`);
}

/** Indices of those of the height's set whose signatures are good. */
function signersOf(
  world: World,
  { height, logRoot }: { readonly height: number; readonly logRoot: Uint8Array },
  headerBytes: Uint8Array,
  [round, signatures]: Certificate,
): number[] {
  const { crypto, consortium } = world;
  const block = { headerHash: headerHash(crypto, headerBytes), logRoot };
  const { validators } = world.sets.at(height);
  const signers = new Set<number>();
  for (const [index, keyIndex, signature] of signatures) {
    const member = validators[index];
    const key = member?.keys[keyIndex];
    if (member === undefined || key === undefined) continue;
    const scope = { chain: consortium.genesis.hash, protocolVersion: 1, height, round, validator: member.id, key };
    if (crypto.verify(key, voteMessage(crypto, 'precommit', scope, block), signature)) signers.add(index);
  }
  return [...signers];
}

/** Nothing acknowledged is lost: not by a crash, not by a power failure. */
function checkNothingLost(
  world: World,
  machine: Machine,
  store: ChainStore,
  agreed: ReadonlyMap<number, Agreed>,
): void {
  const { name } = machine.options;
  if (store.height < machine.acknowledgedHeight) {
    world.fail('nothing lost', `${name} told of block ${machine.acknowledgedHeight} and came back at ${store.height}`);
    return;
  }
  const expected = agreed.get(store.height)?.hash;
  if (expected !== undefined && toHex(store.parent) !== expected) {
    world.fail('nothing lost', `${name} came back with another block ${store.height}`);
  }
}
