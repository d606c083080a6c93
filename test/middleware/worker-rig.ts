/**
 * A chain in memory, workers that are called by messages and sweeps on virtual time, and endpoints that do what a test
 * says. Messages get lost and doubled, and workers die between any two requests to the store.
 */

import { notify } from '../../node-core/middleware/delivery/notify.ts';
import { tellingOwner } from '../../node-core/middleware/delivery/owner-notice.ts';
import { Pinger } from '../../node-core/middleware/delivery/pinger.ts';
import { SharedDeliveries } from '../../node-core/middleware/delivery/shared-deliveries.ts';
import { Subscriptions } from '../../node-core/middleware/delivery/subscriptions.ts';
import { Worker } from '../../node-core/middleware/delivery/worker.ts';
import { EventLog } from '../../node-core/middleware/events/event-log.ts';
import type { EventView } from '../../node-core/middleware/events/event-view.ts';
import type { AuditEntry } from '../../node-core/ports/audit-log.ts';
import type { DisabledEndpoint, Outbox } from '../../node-core/ports/outbox.ts';
import type { SharedSubscriptionStore } from '../../node-core/ports/shared-subscription-store.ts';
import type { SubscriptionAccess } from '../../node-core/ports/subscription-access.ts';
import type { NoAnswer, PostOutcome } from '../../node-core/ports/webhook-transport.ts';
import { type Actor, bytesOf, crypto, evidenceBody, op, seeded, World } from '../ledger/world.ts';
import { Scheduler } from '../simulation/scheduler.ts';
import { feedOf } from './feed.ts';
import { MemorySubscriptions } from './memory-subscriptions.ts';

export const START_MS = 1_700_000_000_000;
export const ATTEMPT_MS = 15_000;
/** What an invocation has. */
const INVOCATION_MS = 60_000;

export interface Posted {
  readonly url: string;
  readonly id: string;
  readonly atMs: number;
  readonly event: EventView & { readonly receipt: string | null };
}
export type Answer = number | NoAnswer;

export class WorkerRig {
  readonly world: World;
  readonly partner: Actor;
  readonly store = new MemorySubscriptions();
  readonly scheduler = new Scheduler();
  readonly posted: Posted[] = [];
  readonly behaviours = new Map<string, (posted: Posted) => Answer | Promise<Answer>>();
  readonly errors: string[] = [];
  readonly audited: Omit<AuditEntry, 'number'>[] = [];
  /** Of each message: the subscription, when it may be received, and which test message is to be sent, if any. */
  readonly queue: {
    readonly id: string;
    readonly atMs: number;
    readonly ping?: string;
    readonly about?: DisabledEndpoint;
  }[] = [];
  readonly clock = {
    now: () => START_MS + this.scheduler.nowMs,
    schedule: (delayMs: number, action: () => void) => this.scheduler.schedule(delayMs, action),
  };
  readonly outbox: Outbox = {
    wake: async (ids, delaySeconds) => {
      for (const id of ids) this.queue.push({ id, atMs: this.clock.now() + 1_000 * delaySeconds });
    },
    ping: async (id, ping, about) =>
      void this.queue.push({ id, ping, atMs: this.clock.now(), ...(about && { about }) }),
  };
  readonly events: EventLog;
  private readonly feed: ReturnType<typeof feedOf>;
  private readonly random = { bytes: seeded('workers') };
  private made = 0;
  private processes = 0;
  /** Processes of the requests under way, by URL. */
  private readonly open = new Map<string, readonly number[]>();
  /** Requests that began while another process had one under way to the same endpoint. */
  clashes = 0;

  private constructor(world: World, partner: Actor) {
    this.world = world;
    this.partner = partner;
    this.feed = feedOf(world);
    this.events = new EventLog(crypto, world.genesis.hash, this.feed.feed);
  }

  static async open(): Promise<WorkerRig> {
    const world = await World.open();
    const rig = new WorkerRig(world, await world.partner('partner'));
    await rig.notify();
    return rig;
  }

  /** Of one process: a worker, or whoever answers owners. */
  private get common() {
    const { clock, events, random, store, outbox } = this;
    const process = ++this.processes;
    const post = (url: string, headers: Readonly<Record<string, string>>, body: Uint8Array) =>
      this.post(process, url, headers, body);
    return {
      ...{ clock, events, random, store, outbox, master: bytesOf('master') },
      transport: { refusal: () => null, post, close: () => {} },
      log: { debug() {}, info() {}, warn() {}, error: (text: string) => void this.errors.push(text) },
    };
  }

  get subscriptions(): SubscriptionAccess {
    return new Subscriptions({ ...this.common, deliveries: new SharedDeliveries(this.common) });
  }

  /** @param store what the worker is given in its place, to die by. */
  worker(store: SharedSubscriptionStore = this.store): Worker {
    const receipts = { receipt: async () => bytesOf('receipt') };
    const audit = { append: (entry: Omit<AuditEntry, 'number'>) => void this.audited.push(entry), of: async () => [] };
    const tellOwner = tellingOwner({ ...this.common, store, outbox: this.outbox, audit });
    return new Worker({ ...this.common, store, receipts, attemptMs: ATTEMPT_MS, refresh: async () => {}, tellOwner });
  }

  private async post(
    process: number,
    url: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Promise<PostOutcome> {
    const event = JSON.parse(Buffer.from(body).toString()) as Posted['event'];
    const posted = { url, id: headers['webhook-id']!, atMs: this.clock.now(), event };
    this.posted.push(posted);
    const open = this.open.get(url) ?? [];
    if (open.some((one) => one !== process)) this.clashes += 1;
    this.open.set(url, [...open, process]);
    const answer = await (this.behaviours.get(url) ?? (() => 204))(posted);
    const left = [...this.open.get(url)!];
    left.splice(left.indexOf(process), 1);
    this.open.set(url, left);
    return typeof answer === 'number' ? { kind: 'answered', status: answer } : { kind: 'none', reason: answer };
  }

  async subscribe(name: string, fields: { readonly types?: string[]; readonly filter?: object } = {}): Promise<string> {
    const wanted = { url: `https://${name}.example/`, description: '', types: ['evidence.registered'], filter: {} };
    const made = await this.subscriptions.create('owner', { ...wanted, scheme: 'v1a', from: null, ...fields } as never);
    if ('code' in made) throw new Error(made.code);
    return made.subscription.id;
  }

  behave(name: string, behaviour: (posted: Posted) => Answer | Promise<Answer>): void {
    this.behaviours.set(`https://${name}.example/`, behaviour);
  }

  hang(): Promise<Answer> {
    return new Promise((resolve) => this.clock.schedule(ATTEMPT_MS, () => resolve('timeout')));
  }

  /** A block with one record for each subject, as yet matched with nobody. */
  async register(...subjects: readonly string[]): Promise<void> {
    const operations = subjects.map((subject) => op.register(evidenceBody(`record ${this.made++}`, { subject })));
    const transactions = operations.map((operation) => this.world.transaction(this.partner, [operation]));
    this.feed.announce(await this.world.applied(...transactions));
  }

  notify(store: SharedSubscriptionStore = this.store): Promise<number> {
    return notify({ store, events: this.events, outbox: this.outbox });
  }

  async sweep(): Promise<void> {
    await this.outbox.wake(await this.store.due(this.clock.now()), 0);
  }

  /** One invocation: what is left, or comes soon, is sent to the queue again. An error leaves the message there. */
  async invoke(id: string, store?: SharedSubscriptionStore): Promise<void> {
    const again = await this.worker(store).run(id, this.clock.now() + INVOCATION_MS);
    if (again === null) return;
    const delayMs = again - this.clock.now();
    if (delayMs <= 900_000) this.queue.push({ id, atMs: again });
  }

  private receive({ id, ping, about }: WorkerRig['queue'][number], store?: SharedSubscriptionStore): Promise<void> {
    if (ping === undefined) return this.invoke(id, store);
    return new Pinger({ ...this.common, ...(store && { store }) }).send(id, ping, about);
  }

  /** Starts a worker for each message that may be received, and lets so much time pass. */
  async work(ms = 0, store?: () => SharedSubscriptionStore): Promise<void> {
    const until = this.scheduler.nowMs + ms;
    const running = new Set<Promise<void>>();
    for (;;) {
      for (let i = this.queue.length - 1; i >= 0; i--) {
        if (this.queue[i]!.atMs > this.clock.now()) continue;
        const [message] = this.queue.splice(i, 1);
        const run = this.receive(message!, store?.()).catch((error: unknown) => void this.errors.push(String(error)));
        running.add(run);
        void run.then(() => running.delete(run));
      }
      await this.settle();
      if (this.queue.some(({ atMs }) => atMs <= this.clock.now())) continue;
      if (this.scheduler.nowMs >= until) break;
      await this.scheduler.run(Math.min(until, this.scheduler.nowMs + 1_000), () => false);
    }
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 25; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.scheduler.run(this.scheduler.nowMs, () => false);
    }
  }

  /** Subjects as an endpoint was told of them. */
  told(name: string): string[] {
    const own = this.posted.filter(({ url }) => url === `https://${name}.example/`);
    return own.map(({ event }) => String(event.data.subject ?? event.type));
  }
}
