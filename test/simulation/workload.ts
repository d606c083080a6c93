/**
 * Clients: a partner is admitted, certifies users, and registers evidence, at the followers and at the validators. They
 * send again until a transaction is final or provably expired, as the SDK does. Some of what is sent is wrong.
 */
import { CODES } from '../../node-core/chain/codes.ts';
import { type ReceiptFacts, verifyReceipt } from '../../node-core/chain/receipt.ts';
import { verifyExpiryCertificate } from '../../node-core/chain/state-proof.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { ExecutedBlock } from '../../node-core/ledger/execute-block.ts';
import type { ChainStore } from '../../node-core/runtime/chain-store.ts';
import type { Queries } from '../../node-core/runtime/queries.ts';
import type { Chance } from './chance.ts';
import type { Life, Machine } from './machine.ts';
import { type Sent, TransactionMaker } from './transactions.ts';
import { shown, type World } from './world.ts';

const SEND_AGAIN_MS = 2_000;
/** Refusals of a good transaction that a client meets with patience: the node is behind, ahead or full. */
const PATIENT = [
  'SENDER_UNKNOWN',
  'EXPIRED',
  'EXPIRY_TOO_FAR',
  'NONCE_USED',
  'MEMPOOL_FULL',
  'NOT_PERMITTED',
  'QUOTA_SHORT',
];

export class Workload {
  readonly sent: Sent[] = [];
  private readonly world: World;
  private readonly chance: Chance;
  private readonly machines: readonly Machine[];
  readonly maker: TransactionMaker;
  private readonly byIdentity = new Map<string, Sent>();
  private isOver = false;
  private lastHeight = 1;

  /** @param machines those that are correct. */
  constructor(world: World, machines: readonly Machine[]) {
    this.world = world;
    this.chance = world.chance.fork('workload');
    this.machines = machines;
    this.maker = new TransactionMaker(world, this.chance.fork('transactions'));
  }

  start(everyMs: number): void {
    this.world.scheduler.schedule(100, () => this.launch(this.maker.admission(this.heightNow(), 'partner')));
    const next = () => {
      if (this.isOver) return;
      this.act();
      this.world.scheduler.schedule(this.chance.between(0, 2 * everyMs), next);
    };
    this.world.scheduler.schedule(500, next);
  }

  /** Nothing new from here on; what is under way is still sent again. */
  end(): void {
    this.isOver = true;
  }

  get unresolved(): readonly Sent[] {
    return this.sent.filter(({ isGood, state }) => isGood && state === 'sent');
  }

  private act(): void {
    const height = this.heightNow();
    const partner = this.sent.find(({ what }) => what === 'admission of partner');
    if (partner?.state === 'expired') {
      this.launch(this.maker.admission(height, 'partner'));
      partner.what = 'expired admission';
      return;
    }
    if (partner?.state !== 'final') return;
    const final = this.sent.filter(({ state, isGood }) => isGood && state === 'final');
    if (this.chance.is(0.15)) this.launch(this.maker.wrong(height, final));
    else this.launch(this.maker.good(height, final));
  }

  heightNow(): number {
    this.lastHeight = Math.max(this.lastHeight, ...this.machines.map(({ node }) => node?.store.height ?? 0));
    return this.lastHeight;
  }

  launch(sent: Sent): void {
    this.sent.push(sent);
    if (sent.isGood) this.byIdentity.set(identityText(sent.sender, sent.nonce), sent);
    this.send(sent);
  }

  private send(sent: Sent): void {
    if (sent.state !== 'sent') return;
    const machine = this.chance.pick(this.machines);
    const { node } = machine;
    if (node !== null) {
      const { life } = machine;
      node.submit(sent.bytes).then(
        (outcome) => this.answered(sent, machine, outcome),
        (error) => {
          if (life?.alive === true)
            this.world.fail('submission', `${machine.options.name} threw ${String(error)} at a client`);
        },
      );
    }
    if (sent.isGood || this.chance.is(0.3)) {
      this.world.scheduler.schedule(SEND_AGAIN_MS + this.chance.between(0, 500), () => this.send(sent));
    }
  }

  private answered(sent: Sent, machine: Machine, outcome: object): void {
    const code = 'code' in outcome ? String(outcome.code) : null;
    const { life } = machine;
    if (sent.isGood && code === 'EXPIRED' && life?.queries != null) this.takeExpiry(life, life.queries, sent, true);
    if (code === 'NODE_UNREACHABLE') return;
    this.world.count(code === null ? 'transactions accepted' : `refused ${code}`);
    if (sent.isGood && code !== null && !PATIENT.includes(code)) {
      this.world.fail(
        'submission',
        `${machine.options.name} refused a good transaction (${sent.what}): ${shown(outcome)}`,
      );
    }
    if (sent.refusal !== undefined && (code === null || !sent.refusal.includes(code))) {
      const expected = sent.refusal.join(' or ');
      this.world.fail('submission', `${machine.options.name} answered ${code} to ${sent.what}; ${expected} expected`);
    }
  }

  /** A correct machine tells that a block is final. Its receipts must verify, and what expires now must be provable. */
  committed(life: Life, store: ChainStore, block: ExecutedBlock): void {
    const { queries } = life;
    if (queries === null) return;
    for (const { transaction } of block.transactions) {
      const sent = this.byIdentity.get(identityText(transaction.sender, transaction.nonce));
      if (sent === undefined)
        this.world.fail('rejected', `a transaction that no client sent is final in ${block.header.height}`);
      else this.takeReceipt(life, queries, sent, block.header.height);
    }
    for (const sent of this.sent) {
      if (!sent.isGood || sent.expiry !== block.header.height || store.packedAt(sent.sender, sent.nonce) !== undefined)
        continue;
      this.takeExpiry(life, queries, sent, false);
    }
  }

  /** A machine is back: what expired at a height that nobody was told of can be proven now, and soon no more. */
  booted(life: Life, height: number): void {
    const { queries } = life;
    if (queries === null) return;
    for (const sent of this.unresolved) if (sent.expiry <= height) this.takeExpiry(life, queries, sent, true);
  }

  private takeReceipt(life: Life, queries: Queries, sent: Sent, height: number): void {
    const { world } = this;
    const { name } = life.machine.options;
    if (sent.state === 'expired')
      world.fail('expiry', `${sent.what} is final in ${height}, but an expiry certificate was given`);
    const wasFinal = sent.state === 'final';
    sent.state = 'final';
    if (wasFinal && this.chance.is(0.7)) return;
    queries.receipt(sent.sender, sent.nonce).then(
      (receipt) => {
        if (receipt === undefined)
          return world.fail('receipt', `${name} has no receipt for ${sent.what}, final in ${height}`);
        const facts = verifyReceipt(world.crypto, receipt, world.consortium.genesis.hash);
        if ('code' in facts) return world.fail('receipt', `the receipt of ${name} for ${sent.what}: ${shown(facts)}`);
        sent.acknowledgedAt = facts.trusted.header.height;
        this.checkResult(sent, facts);
      },
      (error) => {
        refusedToProve(world, life, 'receipt', error);
      },
    );
  }

  private checkResult(sent: Sent, { result, trusted }: ReceiptFacts): void {
    const { height } = trusted.header;
    if (sent.acknowledgedAt !== height) this.world.fail('receipt', `${sent.what} has receipts for two heights`);
    const expected = [0, ...sent.rejections.map((code) => CODES[code].number)];
    if (!expected.includes(result[0])) this.world.fail('receipt', `${sent.what} was packed with code ${result[0]}`);
    if (result[0] !== 0) sent.wasRejected = true;
    this.world.count(result[0] === 0 ? 'receipts verified' : 'receipts of rejections verified');
  }

  /** @param isLate the expiry height is past, and the state may have forgotten it already. */
  private takeExpiry(life: Life, queries: Queries, sent: Sent, isLate: boolean): void {
    const { world } = this;
    const { name } = life.machine.options;
    queries.expiryCertificate(sent.sender, sent.nonce, sent.expiry).then(
      (outcome) => {
        if ('code' in outcome && isLate) return;
        if ('code' in outcome) return world.fail('expiry', `${name} gives no expiry certificate: ${shown(outcome)}`);
        const facts = verifyExpiryCertificate(world.crypto, outcome, world.consortium.genesis.hash);
        if ('code' in facts) return world.fail('expiry', `the expiry certificate of ${name}: ${shown(facts)}`);
        if (sent.state === 'final')
          return world.fail('expiry', `${sent.what} is final, and ${name} certifies its expiry`);
        sent.state = 'expired';
        world.count('expiry certificates verified');
      },
      (error) => {
        refusedToProve(world, life, 'expiry', error);
      },
    );
  }
}

export function identityText(sender: Uint8Array, nonce: Uint8Array): string {
  return `${toHex(sender)}/${toHex(nonce)}`;
}

/** At the end: everything final is on every correct machine, everything wrong has left no trace. */
export function checkOutcome(world: World, workload: Workload, machine: Machine): void {
  const { node, options } = machine;
  if (node === null) return;
  for (const sent of workload.sent) {
    const place = node.store.packedAt(sent.sender, sent.nonce);
    if (sent.isGood && sent.state === 'final' && place === undefined) {
      world.fail(
        'nothing lost',
        `${options.name} does not have ${sent.what}, acknowledged at height ${sent.acknowledgedAt}`,
      );
    }
    if (sent.isGood && sent.state === 'expired' && place !== undefined) {
      world.fail('expiry', `${options.name} has ${sent.what}, which had an expiry certificate`);
    }
    if (!sent.isGood && sent.leavesNoTrace && place !== undefined) {
      world.fail('rejected', `${options.name} has packed ${sent.what}`);
    }
    for (const trace of sent.traces) {
      const isThere = trace(node.store);
      const shouldBe = sent.isGood && sent.state === 'final' && !sent.wasRejected;
      if (isThere !== shouldBe)
        world.fail('rejected', `${options.name}: ${sent.what} ${isThere ? 'left a trace' : 'has no effect'}`);
    }
  }
}

/** A node gives out nothing that it cannot prove; only damage excuses that it cannot. */
function refusedToProve(world: World, life: Life, check: string, error: unknown): void {
  const { machine } = life;
  if (!life.alive) return;
  if (machine.isDamaged) machine.replaceDisk();
  else world.fail(check, `${machine.options.name} threw ${String(error)}`);
}
