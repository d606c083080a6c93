/** A consortium whose validators come and go: whole nodes in virtual time, and the operations that change the set. */

import { type AccountId, createdAccountId, genesisAccountId } from '../../node-core/chain/identifiers.ts';
import {
  ADMIT_VALIDATOR,
  type AdmitValidator,
  admitValidatorBody,
} from '../../node-core/chain/operations/admit-validator.ts';
import { REGISTER_NODE, registerNodeBody } from '../../node-core/chain/operations/register-node.ts';
import { decodeReceipt, verifyReceipt } from '../../node-core/chain/receipt.ts';
import type { Operation } from '../../node-core/chain/transaction.ts';
import type { Validator } from '../../node-core/chain/validator-set.ts';
import { equal, fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { generateKeyPair, type KeyPair } from '../../node-core/crypto/generate.ts';
import type { Node } from '../../node-core/runtime/node.ts';
import { Keyring, setChange } from '../ledger/set-changes.ts';
import { cachedCrypto } from './cached-crypto.ts';
import { Chance } from './chance.ts';
import { type Consortium, consortium, signedTransaction } from './fixture.ts';
import { heightsOf, Machine } from './machine.ts';
import { Network } from './network.ts';
import { START_MS, World } from './world.ts';

const crypto = cachedCrypto();
const NEVER_MS = 1e12;
const WITHIN_MS = 120_000;

/** One company: its account, its consensus key, and its node. */
export interface Company {
  readonly id: AccountId;
  readonly key: KeyPair;
  readonly machine: Machine;
}

export class ChangingSet {
  readonly companies: Company[] = [];
  /** Warnings and errors of all nodes. */
  readonly logged: string[] = [];
  private readonly chance = new Chance('changing sets');
  private readonly world: World;
  private readonly network: Network;
  private readonly keys: KeyPair[];

  private constructor(members: Consortium) {
    this.world = new World(1, crypto, members, [], false);
    const { scheduler, chance } = this.world;
    const threw = (peer: string, error: unknown) => this.world.fail('messages', `${peer}: ${String(error)}`);
    const observer = { sent: () => {}, delivered: () => {}, dropped: () => {}, threw };
    this.network = new Network(scheduler, chance.fork('network'), observer);
    this.keys = [...members.validators];
  }

  static async of(validators: number): Promise<ChangingSet> {
    const chance = new Chance('changing sets: keys');
    const setup = { validators, suite: 'ed25519', timeMs: START_MS - 5_000 } as const;
    const members = await consortium(crypto, (length) => chance.bytes(length), {
      ...setup,
      parameters: { blockIntervalMs: 500 },
    });
    const chain = new ChangingSet(members);
    for (const [index, { id }] of members.genesis.validators.validators.entries()) {
      const key = members.validators[index]!;
      chain.companies.push({ id, key, machine: chain.node(`validator ${index}`, members.peerIds[index]!, key) });
    }
    await chain.until('all run', () => chain.alive.length === validators);
    return chain;
  }

  /** A node with this consensus key, connected to all others; whether the key is in the set is another matter. */
  node(name: string, peer: string, key: KeyPair): Machine {
    const watcher = {
      booted: () => {},
      logged: (_: Machine, level: string, message: string) => void this.logged.push(`${name} ${level}: ${message}`),
      fatal: (_: Machine, error: unknown) => this.world.fail('fatal', `${name}: ${String(error)}`),
    };
    const options = { name, peer, validator: { index: 0, key }, isByzantine: false, storeShowsEarly: false };
    const machine = new Machine(this.world, this.network, watcher, { ...options, maxWriteMs: 3, lostAnswers: 0 });
    for (const other of this.machines) this.network.pin(other.options.peer, peer);
    this.machines.push(machine);
    this.world.scheduler.schedule(0, () => machine.boot());
    return machine;
  }

  readonly machines: Machine[] = [];

  newKey(): KeyPair {
    const key = generateKeyPair('ed25519', (length) => this.chance.bytes(length));
    this.keys.push(key);
    return key;
  }

  /** The store of a node that runs. */
  get witness(): Node {
    return this.alive
      .map(({ node }) => node!)
      .reduce((best, node) => (node.store.height > best.store.height ? node : best));
  }

  get height(): number {
    return this.witness.store.height;
  }

  get set(): readonly Validator[] {
    return this.witness.store.validators.validators;
  }

  private get alive(): Machine[] {
    return this.machines.filter(({ node }) => node !== null);
  }

  crash(machine: Machine): void {
    machine.crash(NEVER_MS);
  }

  /** Time passes until it is so; fails after two virtual minutes. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    const { scheduler } = this.world;
    const isOver = () => this.world.hasFailed || (this.alive.length > 0 && isSo());
    if (!isOver()) await scheduler.run(scheduler.nowMs + WITHIN_MS, isOver);
    const [failure] = this.world.failures;
    if (failure !== undefined) throw new Error(`${failure.check}: ${failure.message}`);
    if (!isSo())
      throw new Error(
        `not within ${WITHIN_MS / 1_000} s: ${what}; ${heightsOf(this.machines)}; ${this.logged.slice(-5).join('; ')}`,
      );
  }

  async runs(forMs: number): Promise<void> {
    const { scheduler } = this.world;
    await scheduler.run(scheduler.nowMs + forMs, () => this.world.hasFailed);
  }

  /** Until every node that runs has so many blocks more than the chain has now. */
  async grows(blocks: number): Promise<void> {
    const goal = this.height + blocks;
    await this.until(`height ${goal}`, () => this.alive.every(({ node }) => node!.store.height >= goal));
  }

  /** Final when this resolves. The result is what names the accounts that it creates. */
  async sends(operation: Operation, sender?: { readonly id: AccountId; readonly key: KeyPair }) {
    const { genesis, operator } = this.world.consortium;
    const nonce = this.chance.bytes(32);
    const expiry = this.height + 1_000;
    const key = sender?.key ?? operator;
    const from = sender?.id ?? genesisAccountId(crypto, key.publicKey);
    const fields = { sender: from, nonce, expiry, operations: [operation] };
    const bytes = signedTransaction(crypto, genesis, key, fields);
    const outcome = await this.submitted(bytes);
    if ('code' in outcome) throw new Error(`${operation.type}: ${outcome.code}`);
    await this.until(operation.type, () => this.witness.store.packedAt(from, nonce) !== undefined);
    const at = this.witness.store.packedAt(from, nonce)!;
    const block = (await this.witness.store.block(at))!;
    if (block.results.some(([code]) => code !== 0)) throw new Error(`${operation.type}: ${block.results[0]![0]}`);
    return { sender: from, nonce, expiry };
  }

  /** Of a final transaction, from a node that runs. */
  async receipt({ sender, nonce }: { readonly sender: AccountId; readonly nonce: Uint8Array }): Promise<Uint8Array> {
    const { witness } = this;
    const queries = this.alive.find(({ node }) => node === witness)!.life!.queries!;
    let receipt: Uint8Array | undefined;
    void queries.receipt(sender, nonce).then((found) => {
      receipt = found;
    });
    await this.until('a receipt', () => receipt !== undefined);
    return receipt!;
  }

  /** What a light client that holds the genesis hash alone learns from a receipt. */
  verified(receipt: Uint8Array): { readonly height: number; readonly signers: number; readonly changes: number } {
    const { genesis } = this.world.consortium;
    const facts = verifyReceipt(crypto, receipt, genesis.hash);
    if ('code' in facts) throw new Error(`${facts.code} ${facts.detail ?? ''}`);
    const { header, validators } = facts.trusted;
    const { setChanges } = decodeReceipt(receipt);
    return { height: header.height, signers: validators.validators.length, changes: setChanges.length };
  }

  private async submitted(bytes: Uint8Array) {
    let outcome: Awaited<ReturnType<Node['submit']>> | undefined;
    void this.witness.submit(bytes).then((result) => {
      outcome = result;
    });
    await this.until('an answer', () => outcome !== undefined);
    return outcome!;
  }

  /** A company joins: an account, a node that is registered, and no power yet. */
  async admits(name: string): Promise<Company & { readonly account: KeyPair }> {
    const account = generateKeyPair('ed25519', (length) => this.chance.bytes(length));
    const by = await this.sends(this.admission(name, account));
    const id = createdAccountId(crypto, by, 0);
    const nodeKey = this.chance.bytes(32);
    const key = this.newKey();
    const machine = this.node(name, toHex(nodeKey), key);
    const company = { id, key, machine, account };
    await this.registers(company, toHex(nodeKey));
    this.companies.push(company);
    return company;
  }

  async registers({ id, account }: { readonly id: AccountId; readonly account: KeyPair }, peer: string): Promise<void> {
    const body = registerNodeBody.encode({ nodeKey: fromHex(peer) });
    await this.sends({ type: REGISTER_NODE, body }, { id, key: account });
  }

  /** What the operator sends for a company that may become a validator, or never does. */
  admission(name: string, account: KeyPair = this.newKey()): Operation {
    const legal = { version: '1.0', digest: this.chance.bytes(32) };
    const body: AdmitValidator = { name, key: account.publicKey, legal, quota: { max: 1e9, periodMs: 86_400_000 } };
    return { type: ADMIT_VALIDATOR, body: admitValidatorBody.encode(body) };
  }

  /** Approved by the whole set in force, or by those at these places; returns its height when it is in force. */
  async changes(validators: readonly Validator[], approvers?: readonly number[]): Promise<number> {
    const { store } = this.witness;
    const effectiveHeight = store.height + 4;
    const approved = new Keyring(this.keys).approvers(store.validators, approvers);
    await this.sends(setChange(store, { validators, effectiveHeight, approvers: approved }));
    await this.until('the change is in force', () =>
      this.alive.every(({ node }) => node!.store.height >= effectiveHeight),
    );
    return effectiveHeight;
  }

  member({ id, key }: Pick<Company, 'id' | 'key'>): Validator {
    return { id, power: 1, keys: [key.publicKey] };
  }

  /** Which companies' nodes have signed the block of this height, by their place in `companies`. */
  async signers(height: number): Promise<number[]> {
    const { store } = this.witness;
    const block = (await store.block(height))!;
    const { validators } = this.witness.store.validators;
    const ids = block.certificate[1].map(([index]) => validators[index]!.id);
    return ids.map((id) => this.companies.findIndex((company) => equal(company.id, id))).sort((a, b) => a - b);
  }

  /** Everybody who has signed one of the last `count` blocks. */
  async recentSigners(count: number): Promise<number[]> {
    const found = new Set<number>();
    for (let height = this.height - count + 1; height <= this.height; height++)
      for (const index of await this.signers(height)) found.add(index);
    return [...found].sort((a, b) => a - b);
  }
}
