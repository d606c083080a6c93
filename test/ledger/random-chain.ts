/** Random blocks, run on the real ledger and on the model at once. Everything follows from what fast-check draws. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { LEVELS, type Permission } from '../../node-core/chain/account.ts';
import type { Operation } from '../../node-core/chain/transaction.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import type { PublicKey } from '../../node-core/crypto/provider.ts';
import type { ExecutedBlock } from '../../node-core/ledger/execute-block.ts';
import { Model, type ModelAccount, type ModelLimits, type ModelOperation, type ModelTransaction } from './model.ts';
import { bytesOf, evidenceBody, legal, op, partnerBody, START_MS, userBody, World } from './world.ts';

export const LIMITS: ModelLimits = {
  expiryWindow: 6,
  nonceRetention: 2,
  maxPruned: 4,
  maxBlockTransactions: 4,
  userQuota: { max: 3_000, periodMs: 20_000 },
};
const PARTNER_QUOTA = { max: 4_000, periodMs: 20_000 };
const NAMES = ['ann', 'Ann', 'BOB', 'OPERATOR', 'validator 0', 'carol', 'Dave'];
const SUBJECTS = ['lot 1', 'lot 2'];

const pick = fc.nat({ max: 1_000 });
/** Mostly absent: a draw in which everything is there breaks some rule nearly always. */
const optional = fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: pick });
const operationDraw = fc.record({
  kind: fc.nat({ max: 9 }),
  name: optional,
  key: fc.nat({ max: 40 }),
  level: pick,
  organisation: fc.boolean(),
  validFor: fc.option(fc.nat({ max: 9_000 }), { nil: undefined }),
  subject: fc.oneof(fc.constant(undefined), pick),
  previous: fc.nat({ max: 5 }),
  user: fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 2, arbitrary: pick }),
});
const transactionDraw = fc.record({
  sender: pick,
  nonce: fc.nat({ max: 12 }),
  ahead: fc.oneof({ weight: 6, arbitrary: fc.nat({ max: 6 }) }, { weight: 1, arbitrary: fc.constantFrom(-1, 7) }),
  operations: fc.array(operationDraw, { minLength: 1, maxLength: 3 }),
});
export const blockDraw = fc.record({
  stepMs: fc.integer({ min: 1, max: 3_000 }),
  transactions: fc.array(transactionDraw, { maxLength: 7 }),
});
export type BlockDraw = typeof blockDraw extends fc.Arbitrary<infer T> ? T : never;
type OperationDraw = BlockDraw['transactions'][number]['operations'][number];

const fakeKey = (n: number): PublicKey => ({ suite: 'ed25519', bytes: bytesOf(`fake key ${n}`) });

export class RandomChain {
  readonly world: World;
  readonly model = new Model(LIMITS);
  /** Public keys by account: what a transaction names, nobody signs here. */
  private readonly keys = new Map<string, PublicKey>();
  readonly packedBytes: Uint8Array[] = [];

  private constructor(world: World) {
    this.world = world;
    const { document } = world.genesis;
    const account = (kind: ModelAccount['kind']): ModelAccount => ({
      kind,
      permissions: [],
      ...document.operator.quota,
    });
    const validator = document.validators[0]!;
    const validatorKeys = [validator.accountKey, validator.consensusKey].map((key) => toHex(key.bytes));
    const operatorKeys = [toHex(document.operator.accountKey.bytes)];
    this.model.create(toHex(world.operator.id), account('operator'), 'operator', operatorKeys, START_MS);
    this.model.create(toHex(world.validator.id), account('validator'), 'validator 0', validatorKeys, START_MS);
    this.keys.set(toHex(world.operator.id), world.operator.key).set(toHex(world.validator.id), world.validator.key);
  }

  /** With two partners, and a user at every level, made through the model like everything else. */
  static async open(): Promise<RandomChain> {
    const chain = new RandomChain(await World.open({ parameters: LIMITS }));
    const admit = (n: number, permissions: Permission[]): ModelOperation => ({
      type: 'admit',
      name: `partner ${n}`,
      key: toHex(fakeKey(100 + n).bytes),
      account: { kind: 'partner', permissions, ...PARTNER_QUOTA },
    });
    const partners = [admit(1, ['identity', 'evidence']), admit(2, ['identity', 'evidence'])];
    await chain.run([{ sender: toHex(chain.world.operator.id), nonce: 100, ahead: 5, operations: partners }], 1_000);
    const certifier = [...chain.model.now.accounts].find(([, { kind }]) => kind === 'partner')![0];
    for (const [i, level] of LEVELS.entries()) {
      const user = {
        type: 'certify',
        name: undefined,
        key: toHex(fakeKey(200 + i).bytes),
        organisation: false,
      } as const;
      const operations: ModelOperation[] = [{ ...user, level, validUntil: undefined }];
      await chain.run([{ sender: certifier, nonce: 101 + i, ahead: 5, operations }], 3_000);
    }
    return chain;
  }

  /** Turns what was drawn into a block, by what the model knows now. */
  async draw({ stepMs, transactions }: BlockDraw): Promise<ExecutedBlock> {
    const accounts = [...this.model.now.accounts.keys()];
    const timeMs = this.world.store.timeMs + stepMs;
    const height = this.world.next;
    const plans = transactions.map((t) => {
      // One more than there are: nobody.
      const sender = this.sender(t.sender, accounts);
      const operations = t.operations.map((o) => this.operation(o, sender, accounts, timeMs));
      return { sender, nonce: t.nonce, ahead: height + t.ahead < 0 ? 0 : t.ahead, operations };
    });
    return this.run(plans, stepMs);
  }

  /** Half of the time one of those that may do most: the operator and the first partner. */
  private sender(drawn: number, accounts: readonly string[]): string {
    if (drawn % 2 === 0) return accounts[drawn % 4 === 0 ? 0 : 2]!;
    return accounts[drawn % (accounts.length + 1)] ?? toHex(bytesOf('nobody', 20));
  }

  private operation(o: OperationDraw, sender: string, accounts: readonly string[], timeMs: number): ModelOperation {
    const known: Pick<ModelAccount, 'kind' | 'permissions'> | undefined = this.model.now.accounts.get(sender);
    const { kind, permissions } = known ?? { kind: 'user', permissions: [] };
    const isCertifier = (permissions as readonly Permission[]).includes('identity');
    const name = o.name === undefined ? undefined : NAMES[o.name % NAMES.length]!;
    const key = toHex(
      o.key === 0 ? this.world.genesis.document.validators[0]!.consensusKey.bytes : fakeKey(o.key).bytes,
    );
    // Mostly what the sender may do, so that most draws get beyond admission.
    const wish =
      o.kind === 9 ? 'certify' : kind === 'operator' ? 'admit' : o.kind < 3 && isCertifier ? 'certify' : 'evidence';
    if (wish === 'admit') {
      const given: Permission[] = o.organisation ? ['identity', 'evidence'] : ['evidence'];
      return {
        type: 'admit',
        name: name ?? `firm ${o.key}`,
        key,
        account: { kind: 'partner', permissions: given, ...PARTNER_QUOTA },
      };
    }
    if (wish === 'certify') {
      const validUntil = o.validFor === undefined ? undefined : timeMs + o.validFor - 500;
      return {
        type: 'certify',
        name,
        key,
        organisation: o.organisation,
        level: LEVELS[o.level % LEVELS.length]!,
        validUntil,
      };
    }
    const subject = o.subject === undefined ? undefined : SUBJECTS[o.subject % SUBJECTS.length];
    const head = this.model.now.subjects.get(`${sender}/${subject}`)?.head;
    const previous = o.previous === 1 ? head : o.previous === 2 ? toHex(bytesOf('no record')) : undefined;
    const onBehalfOf =
      o.user === undefined ? undefined : (accounts[o.user % (accounts.length + 1)] ?? toHex(bytesOf('nobody', 20)));
    return { type: o.kind % 2 === 0 ? 'register' : 'registerBatch', subject, previous, onBehalfOf };
  }

  private async run(
    plans: readonly { sender: string; nonce: number; ahead: number; operations: readonly ModelOperation[] }[],
    stepMs: number,
  ): Promise<ExecutedBlock> {
    const { world, model } = this;
    const height = world.next;
    const timeMs = world.store.timeMs + stepMs;
    const offered = plans.map(({ sender, nonce: n, ahead, operations }) => {
      const actor = { id: fromHex(sender), key: this.keys.get(sender) ?? fakeKey(999) };
      const nonce = bytesOf(`nonce ${n}`);
      const expiry = height + ahead;
      const bytes = world.transaction(actor, operations.map(encoded), { nonce, expiry });
      const planned: ModelTransaction = {
        sender,
        senderId: actor.id,
        nonce,
        expiry,
        sizeBytes: bytes.length,
        operations,
      };
      return { bytes, planned };
    });
    const { executed, refusals } = await world.block(
      offered.map(({ bytes }) => bytes),
      stepMs,
    );
    const expected = model.block(
      height,
      timeMs,
      offered.map(({ planned }) => planned),
    );
    let at = 0;
    const found = refusals.map((refusal, i) => {
      if (refusal !== null) return { refused: refusal.code };
      this.packedBytes.push(offered[i]!.bytes);
      const [code, operation, points, logIndex] = executed.results[at++]!;
      return { code, operation, points, logIndex };
    });
    assert.deepEqual(found, expected, `height ${height}: ${JSON.stringify(plans)}`);
    this.learnKeys(executed);
    return executed;
  }

  private learnKeys(executed: ExecutedBlock): void {
    for (const [, , type, data] of executed.events) {
      const id = type.startsWith('evidence')
        ? undefined
        : ((data as Map<string, Uint8Array>).get('account') as Uint8Array);
      if (id !== undefined) this.keys.set(toHex(id), this.world.account({ id, key: fakeKey(0) }).key);
    }
  }
}

function encoded(operation: ModelOperation): Operation {
  if (operation.type === 'admit') {
    const { name, key, account } = operation;
    const quota = { max: account.max, periodMs: account.periodMs };
    return op.admit(partnerBody(name, { key: keyOf(key), permissions: account.permissions, quota }));
  }
  if (operation.type === 'certify') {
    const { name, key, level, organisation, validUntil } = operation;
    const named = name === undefined ? {} : { name };
    const until = validUntil === undefined ? {} : { validUntil };
    const subject = organisation ? 'organisation' : 'person';
    return op.certify(userBody('', { key: keyOf(key), level, subject, ...named, ...until }));
  }
  const { subject, previous, onBehalfOf } = operation;
  const fields = {
    ...(subject !== undefined && { subject }),
    ...(previous !== undefined && { previous: fromHex(previous) }),
    ...(onBehalfOf !== undefined && { onBehalfOf: fromHex(onBehalfOf) }),
  };
  if (operation.type === 'register') return op.register(evidenceBody('file', fields));
  return op.registerBatch({ root: legal.digest, count: 3, ...fields });
}

const keyOf = (hex: string): PublicKey => ({ suite: 'ed25519', bytes: fromHex(hex) });
