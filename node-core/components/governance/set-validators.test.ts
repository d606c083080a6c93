import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Approver, Keyring, type SetChangeDraft, setChange } from '../../../test/ledger/set-changes.ts';
import {
  type Actor,
  bytesOf,
  crypto,
  keyPair,
  op,
  partnerBody,
  World,
  type WorldOptions,
} from '../../../test/ledger/world.ts';
import { type CodeName, codeName } from '../../chain/codes.ts';
import { REGISTER_NODE, registerNodeBody, UNREGISTER_NODE } from '../../chain/operations/register-node.ts';
import {
  entryOf,
  MAX_HEIGHTS_AHEAD,
  type SetValidators,
  type ValidatorEntry,
} from '../../chain/operations/set-validators.ts';
import { stateKey } from '../../chain/state-keys.ts';
import type { Operation } from '../../chain/transaction.ts';
import { type Validator, type ValidatorSet, validatorSet } from '../../chain/validator-set.ts';
import { spkiHash } from '../../crypto/keys.ts';
import type { PublicKey } from '../../crypto/provider.ts';
import { pendingSetIn, setInForce } from '../../ledger/validators.ts';

/** Keys that validators of the genesis may come to have. */
const ROTATED = ['new 0', 'new 1', 'standby 0', 'standby 1'].map((name) => keyPair(name));
const [new0, new1, standby0] = ROTATED.map(({ publicKey }) => publicKey) as [PublicKey, PublicKey, PublicKey];

/** A chain, the keys of its validators, and proposals to it by the operator. */
class Scene {
  readonly world: World;
  readonly keyring: Keyring;
  private constructor(world: World) {
    this.world = world;
    this.keyring = new Keyring([...world.members.validators, ...ROTATED]);
  }
  static async open(options: WorldOptions = { validators: 4 }): Promise<Scene> {
    return new Scene(await World.open(options));
  }

  get set(): ValidatorSet {
    return this.world.store.validators;
  }
  /** The genesis' set with another power for the first. */
  stronger(power = 2): Validator[] {
    const [first, ...others] = this.world.genesis.validators.validators;
    return [{ ...first!, power }, ...others];
  }

  /** Effective right after the block that packs it, approved by all, unless it is said otherwise. */
  change(draft: Partial<SetChangeDraft> = {}, fields: Partial<SetValidators> = {}): Operation {
    const { world, keyring, set } = this;
    const usual = { validators: this.stronger(), effectiveHeight: world.next + 1, approvers: keyring.approvers(set) };
    return setChange(world.store, { ...usual, ...draft }, fields);
  }

  /** What becomes of it in the next block. */
  async sent(operation: Operation, sender: Actor = this.world.operator): Promise<CodeName | 'applied'> {
    const { executed, refusals } = await this.world.block([this.world.transaction(sender, [operation])]);
    expect(refusals).toEqual([null]);
    const [code] = executed.results[0]!;
    return code === 0 ? 'applied' : codeName(code)!;
  }
}

describe('more than two thirds of the power', () => {
  test.each([
    { powers: [1, 1, 1], short: [0, 1], enough: [0, 1, 2] },
    { powers: [3, 2, 1], short: [0, 2], enough: [0, 1] },
    { powers: [1, 1, 1, 1], short: [1, 2], enough: [1, 2, 3] },
    { powers: [1_000_000, 499_999, 1], short: [0], enough: [0, 2] },
  ])('of $powers: not $short, but $enough', async ({ powers, short, enough }) => {
    const scene = await Scene.open({ validators: powers.length, powers });
    const by = (indexes: readonly number[]) => ({ approvers: scene.keyring.approvers(scene.set, indexes) });
    expect(await scene.sent(scene.change(by(short)))).toBe('SET_NOT_APPROVED');
    expect(scene.world.store.setChanges()).toEqual([]);
    expect(await scene.sent(scene.change({ ...by(enough), validators: scene.stronger(powers[0] === 1 ? 2 : 1) }))).toBe(
      'applied',
    );
  });

  test('the operator and the account keys of validators have no say; who carries it does not matter', async () => {
    const scene = await Scene.open({ validators: 1 });
    const asOperator = [{ index: 0, key: scene.world.members.operator }];
    expect(await scene.sent(scene.change({ approvers: asOperator }))).toBe('SET_NOT_APPROVED');
    expect(await scene.sent(scene.change(), scene.world.validator)).toBe('applied');
  });

  test('users and partners do not even carry it', async () => {
    const scene = await Scene.open();
    const partner = await scene.world.partner('partner', { permissions: ['identity', 'evidence', 'voucher'] });
    const user = await scene.world.user(partner, 'ann', { level: 'certificate' });
    for (const sender of [partner, user]) {
      const { refusals } = scene.world.execute([scene.world.transaction(sender, [scene.change()])]);
      expect(refusals[0]?.code).toBe('NOT_PERMITTED');
    }
  });
});

describe('every approval given must hold', () => {
  test.each<[string, (scene: Scene) => Partial<SetChangeDraft>]>([
    ['for another set in force', () => ({ signed: { current: bytesOf('set') } })],
    ['for another time in force', () => ({ signed: { since: 2 } })],
    ['for another set to come', () => ({ signed: { next: bytesOf('set') } })],
    ['for another height', ({ world }) => ({ signed: { effectiveHeight: world.next + 2 } })],
    ['for another chain', () => ({ signed: { chain: bytesOf('chain') } })],
    ['for another version', () => ({ signed: { protocolVersion: 2 } })],
    ['descending', ({ keyring, set }) => ({ approvers: keyring.approvers(set).reverse() })],
    ['one of them twice', ({ keyring, set }) => ({ approvers: keyring.approvers(set, [0, 1, 1, 2]) })],
    ["one by another validator's key", ({ keyring, set }) => ({ approvers: swapped(keyring.approvers(set)) })],
  ])('%s', async (_what, draft) => {
    const scene = await Scene.open();
    expect(await scene.sent(scene.change(draft(scene)))).toBe('SET_NOT_APPROVED');
  });

  test('by a validator or a standby key that there is not', async () => {
    const scene = await Scene.open();
    const signature = new Uint8Array(64);
    for (const approval of [[4, 0, signature] as const, [3, 1, signature] as const])
      expect(await scene.sent(scene.change({}, { approvals: [approval] }))).toBe('SET_NOT_APPROVED');
  });

  test('by keys of the set in force alone: a retired key approves nothing more', async () => {
    const scene = await Scene.open();
    const old = scene.keyring.approvers(scene.set);
    const rotated = scene.set.validators.map((v, i) => (i === 0 ? { ...v, keys: [new0] as const } : v));
    expect(await scene.sent(scene.change({ validators: rotated }))).toBe('applied');
    expect(await scene.sent(scene.change({ approvers: old }))).toBe('SET_NOT_APPROVED');
    expect(await scene.sent(scene.change())).toBe('applied');
  });

  test('the two keys of a validator are one voice', async () => {
    const scene = await Scene.open();
    const [first, ...others] = scene.set.validators;
    const withStandby = [{ ...first!, power: 2, keys: [first!.keys[0], standby0] as const }, ...others];
    expect(await scene.sent(scene.change({ validators: withStandby }))).toBe('applied');
    const [one, two, three] = scene.keyring.approvers(scene.set) as [Approver, Approver, Approver];
    const standby: Approver = { index: 0, keyIndex: 1, key: scene.keyring.of(standby0) };
    expect(await scene.sent(scene.change({ approvers: [one, standby, two] }))).toBe('SET_NOT_APPROVED');
    expect(await scene.sent(scene.change({ approvers: [standby, two, three] }))).toBe('applied');
  });
});

function swapped([first, second, ...others]: readonly Approver[]): Approver[] {
  return [{ ...first!, key: second!.key }, { ...second!, key: first!.key }, ...others];
}

describe('when', () => {
  test('the height has to come, and not too late', async () => {
    const scene = await Scene.open();
    const { world } = scene;
    const at = (effectiveHeight: number) => scene.sent(scene.change({ effectiveHeight }));
    expect(await at(world.next)).toBe('SET_HEIGHT');
    expect(await at(world.next - 1)).toBe('SET_HEIGHT');
    expect(await at(world.next + MAX_HEIGHTS_AHEAD + 1)).toBe('SET_HEIGHT');
    expect(await at(world.next + MAX_HEIGHTS_AHEAD)).toBe('applied');
  });

  test.each([1, 2, 5])('effective %i ahead: from that height on, neither sooner nor later', async (ahead) => {
    const scene = await Scene.open();
    const { world, set: before } = scene;
    const effectiveHeight = world.next + ahead;
    const after = validatorSet(crypto, scene.stronger());
    const { header, nextValidators } = await world.applied(
      world.transaction(world.operator, [scene.change({ effectiveHeight })]),
    );
    const blocks = [{ header, nextValidators }];
    while (world.store.height < effectiveHeight) blocks.push((await world.block([])).executed);
    for (const block of blocks) {
      const { height, validatorsHash, nextValidatorsHash } = block.header;
      expect(validatorsHash, `signs ${height}`).toEqual(height < effectiveHeight ? before.hash : after.hash);
      expect(nextValidatorsHash, `after ${height}`).toEqual(height + 1 < effectiveHeight ? before.hash : after.hash);
      expect(block.nextValidators.hash).toEqual(nextValidatorsHash);
    }
    expect(scene.set.hash).toEqual(after.hash);
    expect(world.store.get(stateKey.nextValidators())).toBeUndefined();
    expect(setInForce(crypto, world.store, world.genesis)).toEqual({ set: after, since: effectiveHeight });
  });

  test('one change waits at a time; the next may be packed in the first block of the new set', async () => {
    const scene = await Scene.open();
    const { world } = scene;
    expect(await scene.sent(scene.change({ effectiveHeight: world.next + 2 }))).toBe('applied');
    expect(await scene.sent(scene.change({ validators: scene.stronger(3) }))).toBe('SET_PENDING');
    expect(scene.set.validators[0]!.power).toBe(2);
    expect(await scene.sent(scene.change({ validators: scene.stronger(3) }))).toBe('applied');
    expect(scene.set.validators[0]!.power).toBe(3);
  });

  test('back to the former set, whose keys count again; the old change is not carried twice', async () => {
    const scene = await Scene.open();
    const { genesis } = scene.world;
    const there = scene.change();
    expect(await scene.sent(there)).toBe('applied');
    expect(await scene.sent(scene.change({ validators: genesis.validators.validators }))).toBe('applied');
    expect(scene.set.hash).toEqual(genesis.validators.hash);
    expect(await scene.sent(there)).toBe('SET_HEIGHT');
    expect(scene.world.store.setChanges()).toHaveLength(2);
  });

  test('A → C → A: an approval of A → B that counted before counts no more', async () => {
    const scene = await Scene.open();
    const { world } = scene;
    const [a, c] = [world.genesis.validators.validators, scene.stronger(3)];
    const toB = scene.change({ validators: scene.stronger(2), effectiveHeight: world.next + 10 });
    // The very same bytes on the very same chain, had it not gone to C.
    const other = await Scene.open();
    expect(other.world.genesis.hash).toEqual(world.genesis.hash);
    expect(await other.sent(toB)).toBe('applied');

    expect(await scene.sent(scene.change({ validators: c }))).toBe('applied');
    expect(await scene.sent(scene.change({ validators: a }))).toBe('applied');
    expect(scene.set.hash).toEqual(world.genesis.validators.hash);
    expect(await scene.sent(toB)).toBe('SET_NOT_APPROVED');
    expect((await world.copy()).store.validators).toEqual(scene.set);
    expect(await scene.sent(scene.change({ validators: scene.stronger(2) }))).toBe('applied');
  });

  test('nor does one that was given while it was in force before, whenever it was given', async () => {
    const scene = await Scene.open();
    const approved = (since: number) => scene.sent(scene.change({ signed: { since } }));
    const { genesis } = scene.world;
    expect(await scene.sent(scene.change())).toBe('applied');
    const back = scene.world.next + 1;
    expect(await scene.sent(scene.change({ validators: genesis.validators.validators }))).toBe('applied');
    expect(setInForce(crypto, scene.world.store, genesis)).toEqual({ set: genesis.validators, since: back });
    for (const since of [1, back - 1, back + 1]) expect(await approved(since), `${since}`).toBe('SET_NOT_APPROVED');
    expect(await approved(back)).toBe('applied');
  });

  test('an approval that nobody has carried is worth nothing under another set', async () => {
    const scene = await Scene.open();
    const carriedLate = scene.change({ validators: scene.stronger(9), effectiveHeight: scene.world.next + 50 });
    expect(await scene.sent(scene.change())).toBe('applied');
    expect(await scene.sent(carriedLate)).toBe('SET_NOT_APPROVED');
  });
});

describe('who is in it', () => {
  test('validators and keys once, and something changes', async () => {
    const scene = await Scene.open();
    const [first, second, ...others] = scene.set.validators;
    const twice = (wrong: Partial<ValidatorEntry>) => {
      const validators = [first!, second!].map(entryOf);
      return scene.sent(scene.change({}, { validators: [validators[0]!, { ...validators[1]!, ...wrong }] }));
    };
    expect(await scene.sent(scene.change({ validators: scene.set.validators }))).toBe('SET_INVALID');
    expect(await twice({ account: first!.id, consensusKey: new1 })).toBe('SET_INVALID');
    expect(await twice({ consensusKey: first!.keys[0] })).toBe('SET_INVALID');
    expect(await twice({ standbyKey: first!.keys[0] })).toBe('SET_INVALID');
    // Another order is another set: indexes are what certificates name.
    expect(await scene.sent(scene.change({ validators: [second!, first!, ...others] }))).toBe('applied');
  });

  test('accounts of validators alone', async () => {
    const scene = await Scene.open();
    const partner = await scene.world.partner('partner');
    const [first, ...others] = scene.set.validators;
    for (const id of [partner.id, scene.world.operator.id, bytesOf('nobody', 20)])
      expect(await scene.sent(scene.change({ validators: [{ ...first!, id }, ...others] }))).toBe('SET_ACCOUNT');
  });

  test("not another account's key, be it retired; and no account is made with a validator's", async () => {
    const scene = await Scene.open();
    const partner = await scene.world.partner('partner');
    const [first, second, ...others] = scene.set.validators;
    const withKeys = (...keys: Validator['keys']) =>
      scene.change({ validators: [first!, { ...second!, keys }, ...others] });
    expect(await scene.sent(withKeys(partner.key))).toBe('KEY_IN_USE');
    expect(await scene.sent(withKeys(second!.keys[0], partner.key))).toBe('KEY_IN_USE');
    const rotated = [{ ...first!, keys: [new0, standby0] as const }, second!, ...others];
    expect(await scene.sent(scene.change({ validators: rotated }))).toBe('applied');
    const retired = [{ ...first!, keys: [new0] as const }, { ...second!, keys: first!.keys }, ...others];
    expect(await scene.sent(scene.change({ validators: retired }))).toBe('KEY_IN_USE');
    for (const key of [new0, standby0, first!.keys[0]])
      expect(await scene.sent(op.admit(partnerBody('thief', { key })))).toBe('KEY_IN_USE');
  });
});

describe('what signs votes signs nothing else', () => {
  const withKeys = (scene: Scene, ...keys: Validator['keys']) => {
    const [first, ...others] = scene.set.validators;
    return scene.change({ validators: [{ ...first!, keys }, ...others] });
  };

  test.each(['primary', 'standby'])("not the validator's own account key, as %s key", async (place) => {
    const scene = await Scene.open();
    const { key } = scene.world.account(scene.world.validator)!;
    const keys = place === 'primary' ? ([key] as const) : ([scene.set.validators[0]!.keys[0], key] as const);
    expect(await scene.sent(withKeys(scene, ...keys))).toBe('KEY_IN_USE');
    expect(scene.world.store.get(stateKey.nextValidators())).toBeUndefined();
  });

  test('nor a key that the next validator has as its account key, in whichever order', async () => {
    const scene = await Scene.open();
    const { key } = scene.world.account(scene.world.validator)!;
    const [first, second, ...others] = scene.set.validators;
    const taken = { ...second!, keys: [key] as const };
    for (const validators of [
      [first!, taken, ...others],
      [taken, first!, ...others],
    ])
      expect(await scene.sent(scene.change({ validators }))).toBe('KEY_IN_USE');
  });

  test('nor the TLS key of a node of its own; what others claim as theirs keeps no key out', async () => {
    const scene = await Scene.open();
    const { world } = scene;
    const partner = await world.partner('partner');
    const nodeKey = spkiHash(crypto, new0);
    const node = (type: string): Operation => ({ type, body: registerNodeBody.encode({ nodeKey }) });
    expect(await scene.sent(node(REGISTER_NODE), world.validator)).toBe('applied');
    expect(await scene.sent(withKeys(scene, new0))).toBe('KEY_IN_USE');
    expect(await scene.sent(withKeys(scene, scene.set.validators[0]!.keys[0], new0))).toBe('KEY_IN_USE');
    expect(await scene.sent(node(UNREGISTER_NODE), world.validator)).toBe('applied');
    expect(await scene.sent(node(REGISTER_NODE), partner)).toBe('applied');
    expect(await scene.sent(withKeys(scene, new0))).toBe('applied');
  });

  test('nor is a node registered with a key of its account that signs votes, or is about to', async () => {
    const scene = await Scene.open();
    const { world } = scene;
    const register = (key: PublicKey): Operation => ({
      type: REGISTER_NODE,
      body: registerNodeBody.encode({ nodeKey: spkiHash(crypto, key) }),
    });
    const [old] = scene.set.validators[0]!.keys;
    expect(await scene.sent(register(old), world.validator)).toBe('KEY_IN_USE');
    const effectiveHeight = world.next + 4;
    const [first, ...others] = scene.set.validators;
    const validators = [{ ...first!, keys: [new0, standby0] as const }, ...others];
    expect(await scene.sent(scene.change({ validators, effectiveHeight }))).toBe('applied');
    for (const key of [new0, standby0, old])
      expect(await scene.sent(register(key), world.validator)).toBe('KEY_IN_USE');
    expect(await scene.sent(register(old), world.validator)).toBe('applied');
  });

  test('whose validators they are is asked before whose keys they are', async () => {
    const scene = await Scene.open();
    const partner = await scene.world.partner('partner');
    const [first, second] = scene.set.validators;
    const validators = [
      { ...first!, keys: [partner.key] as const },
      { ...second!, id: partner.id },
    ];
    expect(await scene.sent(scene.change({ validators }))).toBe('SET_ACCOUNT');
  });
});

test('reopened, a store has the same set, the same pending one and the same changes', async () => {
  const scene = await Scene.open();
  const { world } = scene;
  expect(await scene.sent(scene.change())).toBe('applied');
  await scene.sent(scene.change({ validators: scene.stronger(3), effectiveHeight: world.next + 3 }));
  const copy = await world.copy();
  expect(copy.store.validators).toEqual(scene.set);
  expect(copy.store.setChanges()).toEqual(world.store.setChanges());
  expect(pendingSetIn(copy.store)).toEqual(pendingSetIn(world.store));
  for (const each of [world, copy]) await each.idle(3);
  expect(copy.store.parent).toEqual(world.store.parent);
  const again = await copy.copy();
  expect(again.store.setChanges()).toHaveLength(2);
  expect(again.store.validators.validators[0]!.power).toBe(3);
});

const attempt = fc.record({
  /** Which set. */
  power: fc.integer({ min: 1, max: 4 }),
  without: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  ahead: fc.integer({ min: 0, max: 3 }),
  approve: fc.subarray([0, 1, 2, 3]),
});

test('the set in force is always the last one that more than two thirds of the one before it have approved', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(attempt, { minLength: 1, maxLength: 10 }), async (attempts) => {
      const scene = await Scene.open();
      const { world } = scene;
      let current = world.genesis.validators;
      let pending: { readonly from: number; readonly set: ValidatorSet } | null = null;
      let changes = 0;
      for (const { power, without, ahead, approve } of attempts) {
        const height = world.next;
        const set = validatorSet(
          crypto,
          scene.stronger(power).filter((_, i) => i !== without),
        );
        const approvers = approve.filter((index) => index < current.validators.length);
        const said = approvers.reduce((sum, index) => sum + current.validators[index]!.power, 0);
        const all = current.validators.reduce((sum, validator) => sum + validator.power, 0);
        const isNew = Buffer.compare(set.hash, current.hash) !== 0;
        const isApproved = pending === null && ahead > 0 && isNew && said > (2 * all) / 3;
        if (approvers.length > 0) {
          const draft = { validators: set.validators, effectiveHeight: height + ahead };
          const by = scene.keyring.approvers(current, approvers);
          const outcome = await scene.sent(scene.change({ ...draft, approvers: by }));
          expect(outcome === 'applied').toBe(isApproved);
          if (isApproved) pending = { from: height + ahead, set };
        } else await world.block([]);
        if (pending?.from === world.next) {
          current = pending.set;
          pending = null;
          changes++;
        }
        expect(scene.set.hash).toEqual(current.hash);
        expect(world.store.setChanges()).toHaveLength(changes);
      }
    }),
    { numRuns: 30 },
  );
});
