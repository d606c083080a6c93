/**
 * The companies behind the validators, in a seed: they are admitted, register nodes, approve changes of the set with
 * their consensus keys, and now and then send what must not change it. What becomes of it is judged by the set book.
 */
import type { CodeName } from '../../node-core/chain/codes.ts';
import { type AccountId, createdAccountId } from '../../node-core/chain/identifiers.ts';
import { ADMIT_VALIDATOR, admitValidatorBody } from '../../node-core/chain/operations/admit-validator.ts';
import { REGISTER_NODE, registerNodeBody } from '../../node-core/chain/operations/register-node.ts';
import type { Operation } from '../../node-core/chain/transaction.ts';
import type { Validator } from '../../node-core/chain/validator-set.ts';
import { equal, fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { generateKeyPair, type KeyPair } from '../../node-core/crypto/generate.ts';
import type { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { type Approver, Keyring, setChange } from '../ledger/set-changes.ts';
import type { Chance } from './chance.ts';
import type { Machine, ValidatorKeys } from './machine.ts';
import type { Scenario, SetChanges } from './scenario.ts';
import { isMoreThanTwoThirds } from './set-book.ts';
import type { Sent } from './transactions.ts';
import type { Workload } from './workload.ts';
import type { World } from './world.ts';

/** A node beside those of the genesis. */
export interface Spare {
  readonly name: string;
  readonly peer: string;
  readonly keys: ValidatorKeys;
}

interface CompanyNode {
  readonly keys: ValidatorKeys;
  readonly peer: string;
  /** Until it is final, its company is not known to have this node. */
  registration: Sent | 'genesis' | null;
}

interface Company {
  readonly name: string;
  readonly account: KeyPair;
  /** Known once it has been admitted. */
  id: AccountId | null;
  admission: Sent | null;
  readonly nodes: CompanyNode[];
}

/** honest: approved, and sent. few: by too few. twice: two for one height. kept: sent much later. again: an old one. */
const MODES = ['honest', 'honest', 'honest', 'honest', 'honest', 'few', 'twice', 'kept', 'again'] as const;
const KINDS = ['add', 'add', 'remove', 'rotate', 'rotate', 'power', 'swap', 'shuffle'] as const;
const MAX_POWER_DRAWN = 4;
const MAX_VALIDATORS_DRAWN = 7;

const REJECTIONS: readonly CodeName[] = ['SET_HEIGHT', 'SET_PENDING', 'SET_INVALID', 'SET_NOT_APPROVED'];

export class SetChanger {
  readonly spares: readonly Spare[];
  private readonly world: World;
  private readonly changes: SetChanges;
  private readonly chance: Chance;
  private readonly companies: readonly Company[];
  private readonly keyring: Keyring;
  private readonly before: Operation[] = [];
  private workload!: Workload;
  private machines: readonly Machine[] = [];
  private mayBeWrong: readonly AccountId[] = [];
  private isOver = false;

  constructor(world: World, changes: SetChanges) {
    this.world = world;
    this.changes = changes;
    this.chance = world.chance.fork('set changes');
    const { genesis, validators, standbys, accounts, peerIds } = world.consortium;
    const founders = genesis.validators.validators.map(({ id }, index) => {
      const keys = { index, key: validators[index]!, standby: standbys.get(index) };
      const own: CompanyNode = { keys, peer: peerIds[index]!, registration: 'genesis' };
      const others = changes.successors.includes(index) ? [this.node(index)] : [];
      const nodes = [own, ...others];
      return { name: `company ${index}`, account: accounts[index]!, id, admission: null, nodes };
    });
    const joiners = Array.from({ length: changes.joiners }, (_, i) => {
      const index = validators.length + i;
      return { name: `company ${index}`, account: this.newKey(), id: null, admission: null, nodes: [this.node(index)] };
    });
    this.companies = [...founders, ...joiners];
    const nodes = this.companies.flatMap((company) => company.nodes);
    this.keyring = new Keyring(nodes.flatMap(({ keys }) => pairsOf(keys)));
    this.spares = nodes
      .filter(({ registration }) => registration === null)
      .map(({ keys, peer }, i) => ({ name: `spare ${i} of company ${keys.index}`, peer, keys }));
  }

  private newKey(): KeyPair {
    return generateKeyPair('ed25519', (length) => this.chance.bytes(length));
  }

  private node(index: number): CompanyNode {
    const standby = this.chance.is(0.3) ? this.newKey() : undefined;
    return { keys: { index, key: this.newKey(), standby }, peer: toHex(this.chance.bytes(32)), registration: null };
  }

  /** @param machines those that are correct. */
  start({ liars, wildClocks }: Scenario, workload: Workload, machines: readonly Machine[]): void {
    this.workload = workload;
    this.machines = machines;
    this.mayBeWrong = [...liars, ...wildClocks].map((index) => this.companies[index]!.id!);
    const next = () => {
      if (this.isOver) return;
      this.act();
      this.world.scheduler.schedule(this.chance.between(0, 2 * this.changes.everyMs), next);
    };
    this.world.scheduler.schedule(300, next);
  }

  end(): void {
    this.isOver = true;
  }

  private act(): void {
    for (const company of this.companies) this.bringOn(company);
    const store = this.newestStore();
    if (store === null) return;
    const mode = this.chance.pick(MODES);
    // An honest one waits for its turn, as a rule.
    if (mode === 'honest' && this.world.sets.pending !== null && this.chance.is(0.7)) return;
    if (mode === 'again') {
      if (this.before.length > 0) this.send('again', this.chance.pick(this.before));
      return;
    }
    const current = store.validators.validators;
    const next = this.next(current);
    const approvers = mode === 'few' ? this.tooFew(current) : this.enough(current);
    if (next === null || approvers === null) return;
    const draft = { approvers, effectiveHeight: store.height + 2 + this.chance.below(4) };
    if (mode === 'kept')
      this.keep(setChange(store, { ...draft, validators: next, effectiveHeight: store.height + 10 }));
    else this.send(mode, setChange(store, { ...draft, validators: next }));
    const other = mode === 'twice' ? this.next(current) : null;
    if (other !== null) this.send(mode, setChange(store, { ...draft, validators: other }));
  }

  /** Of a machine that has the newest block of all. */
  private newestStore(): ChainStore | null {
    const newest = this.world.sets.knownTo - 1;
    return this.machines.find(({ node }) => node?.store.height === newest)?.node?.store ?? null;
  }

  private keep(operation: Operation): void {
    this.world.scheduler.schedule(this.chance.between(1_000, 6_000), () => {
      if (!this.isOver) this.send('kept', operation);
    });
  }

  private send(mode: (typeof MODES)[number], operation: Operation): void {
    this.before.push(operation);
    this.world.count(`set changes sent: ${mode}`);
    const expiry = this.workload.heightNow() + 20;
    this.workload.launch(this.workload.maker.governance(`${mode} change`, null, expiry, operation, REJECTIONS));
  }

  /** Its account first, then its nodes: each is asked for until it is final. */
  private bringOn(company: Company): void {
    const { admission } = company;
    if (company.id === null) {
      if (isFinal(admission)) company.id = createdAccountId(this.world.crypto, admission, 0);
      else if (admission?.state !== 'sent') company.admission = this.admit(company);
    }
    for (const node of company.nodes) {
      const { registration } = node;
      if (company.id === null || registration === 'genesis' || isFinal(registration)) continue;
      if (registration?.state !== 'sent') {
        const body = registerNodeBody.encode({ nodeKey: fromHex(node.peer) });
        const author = { id: company.id, key: company.account };
        node.registration = this.launch('registration of a node', author, { type: REGISTER_NODE, body });
      }
    }
  }

  private admit({ name, account }: Company): Sent {
    const legal = { version: '1.0', digest: this.chance.bytes(32) };
    const quota = { max: 1_000_000_000, periodMs: 86_400_000 };
    const body = admitValidatorBody.encode({ name, key: account.publicKey, legal, quota });
    return this.launch(`admission of ${name}`, null, { type: ADMIT_VALIDATOR, body });
  }

  private launch(what: string, author: { readonly id: AccountId; readonly key: KeyPair } | null, operation: Operation) {
    const expiry = this.workload.heightNow() + 30;
    const sent = this.workload.maker.governance(what, author, expiry, operation, []);
    this.workload.launch(sent);
    return sent;
  }

  /** Another set than this one in which the wrong still have less than a third; null when none was drawn. */
  private next(current: readonly Validator[]): readonly Validator[] | null {
    const drawn = this.draw(this.chance.pick(KINDS), current);
    return drawn === null || drawn.length > MAX_VALIDATORS_DRAWN || !this.isSafe(drawn) ? null : drawn;
  }

  private draw(kind: (typeof KINDS)[number], current: readonly Validator[]): readonly Validator[] | null {
    const { chance } = this;
    const at = chance.below(current.length);
    const member = current[at]!;
    const replaced = (change: Partial<Validator>) => current.with(at, { ...member, ...change });
    switch (kind) {
      case 'add': {
        const outside = this.companies.filter(({ id }) => id !== null && !current.some((one) => equal(one.id, id)));
        const keys = outside.length === 0 ? null : this.keysOf(chance.pick(outside), []);
        if (keys === null) return null;
        return current.toSpliced(chance.below(current.length + 1), 0, { ...keys, power: 1 });
      }
      case 'remove':
        return current.length === 1 ? null : current.toSpliced(at, 1);
      case 'rotate': {
        const keys = this.keysOf(this.companyOf(member), member.keys);
        return keys === null ? null : replaced(keys);
      }
      case 'power':
        return replaced({ power: 1 + chance.below(MAX_POWER_DRAWN) });
      case 'swap': {
        const [primary, standby] = member.keys;
        return standby === undefined ? null : replaced({ keys: [standby, primary] });
      }
      case 'shuffle':
        return current.toSpliced(at, 1).toSpliced(chance.below(current.length), 0, member);
    }
  }

  private companyOf({ id }: Validator): Company {
    return this.companies.find((company) => company.id !== null && equal(company.id, id))!;
  }

  /** The keys of one of its registered nodes that has none of these; null when there is no such node. */
  private keysOf(
    { id, nodes }: Company,
    others: Validator['keys'] | readonly [],
  ): Pick<Validator, 'id' | 'keys'> | null {
    const isHeld = ({ publicKey }: KeyPair) => others.some(({ bytes }) => equal(bytes, publicKey.bytes));
    const ready = nodes.filter(
      ({ keys, registration }) => (registration === 'genesis' || isFinal(registration)) && !pairsOf(keys).some(isHeld),
    );
    if (id === null || ready.length === 0) return null;
    const { key, standby } = this.chance.pick(ready).keys;
    return { id, keys: standby === undefined ? [key.publicKey] : [key.publicKey, standby.publicKey] };
  }

  private isSafe(set: readonly Validator[]): boolean {
    const powerOf = (members: readonly Validator[]) => members.reduce((sum, { power }) => sum + power, 0);
    const wrong = set.filter(({ id }) => this.mayBeWrong.some((other) => equal(other, id)));
    return 3 * powerOf(wrong) < powerOf(set);
  }

  /** All of the set, or just as many as it takes; each with any of its keys. */
  private enough(current: readonly Validator[]): readonly Approver[] {
    const order = this.shuffled(current.map((_, index) => index));
    if (this.chance.is(0.4)) return this.approvers(current, order);
    const least = order.findIndex((_, i) => isMoreThanTwoThirds({ validators: current }, order.slice(0, i + 1)));
    return this.approvers(current, order.slice(0, least + 1));
  }

  /** As many as there can be without more than two thirds of the power; null when one alone has those. */
  private tooFew(current: readonly Validator[]): readonly Approver[] | null {
    const order = this.shuffled(current.map((_, index) => index));
    const least = order.findIndex((_, i) => isMoreThanTwoThirds({ validators: current }, order.slice(0, i + 1)));
    return least === 0 ? null : this.approvers(current, order.slice(0, least));
  }

  private approvers(current: readonly Validator[], indices: readonly number[]): readonly Approver[] {
    const ascending = [...indices].sort((a, b) => a - b);
    return ascending.map((index) => {
      const { keys } = current[index]!;
      const keyIndex = this.chance.below(keys.length) as 0 | 1;
      return { index, keyIndex, key: this.keyring.of(keys[keyIndex]!) };
    });
  }

  private shuffled<T>(items: readonly T[]): T[] {
    const left = [...items];
    return items.map(() => left.splice(this.chance.below(left.length), 1)[0]!);
  }
}

function pairsOf({ key, standby }: ValidatorKeys): KeyPair[] {
  return standby === undefined ? [key] : [key, standby];
}

function isFinal(sent: Sent | null): sent is Sent & { readonly state: 'final' } {
  return sent?.state === 'final';
}
