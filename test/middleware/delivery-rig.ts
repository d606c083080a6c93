/**
 * A chain in memory, a dispatcher on virtual time, and endpoints that do what a test says. A crash throws the dispatcher
 * away with all that it has not written.
 */
import { subscriptionsKv } from '../../adapters/subscriptions-kv/subscriptions-kv.ts';
import { Dispatcher } from '../../node-core/middleware/delivery/dispatcher.ts';
import { DispatcherDeliveries } from '../../node-core/middleware/delivery/dispatcher-deliveries.ts';
import type { Receipts } from '../../node-core/middleware/delivery/payload.ts';
import type { SendSlots } from '../../node-core/middleware/delivery/send-slots.ts';
import { Subscriptions } from '../../node-core/middleware/delivery/subscriptions.ts';
import { EventLog } from '../../node-core/middleware/events/event-log.ts';
import type { EventView } from '../../node-core/middleware/events/event-view.ts';
import type { AuditEntry, AuditLog } from '../../node-core/ports/audit-log.ts';
import type { SubscriptionAccess } from '../../node-core/ports/subscription-access.ts';
import type { Progress, Subscription } from '../../node-core/ports/subscription-store.ts';
import type { NoAnswer, PostOutcome } from '../../node-core/ports/webhook-transport.ts';
import { type Actor, bytesOf, crypto, evidenceBody, op, seeded, World } from '../ledger/world.ts';
import { MemoryStore } from '../simulation/memory-store.ts';
import { Scheduler } from '../simulation/scheduler.ts';
import { feedOf } from './feed.ts';
import { NEW_PROGRESS } from './new-progress.ts';

export interface Delivery {
  readonly url: string;
  readonly id: string;
  readonly atMs: number;
  readonly event: EventView & { readonly receipt: string | null };
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What an endpoint answers: a status, no answer, or nothing until the promise is kept. */
export type Behaviour = (delivery: Delivery) => number | NoAnswer | PostOutcome | Promise<number | NoAnswer>;

export const START_MS = 1_700_000_000_000;

export class DeliveryRig {
  readonly world: World;
  readonly partner: Actor;
  readonly kv = new MemoryStore();
  readonly store = subscriptionsKv(this.kv);
  readonly scheduler = new Scheduler();
  readonly deliveries: Delivery[] = [];
  readonly behaviours = new Map<string, Behaviour>();
  readonly errors: string[] = [];
  readonly audited: Omit<AuditEntry, 'number'>[] = [];
  readonly clock = {
    now: () => START_MS + this.scheduler.nowMs,
    schedule: (delayMs: number, action: () => void) => this.scheduler.schedule(delayMs, action),
  };
  receipts: Receipts = { receipt: async () => bytesOf('receipt') };
  dispatcher!: Dispatcher;
  slots: SendSlots | undefined;
  private readonly feed: ReturnType<typeof feedOf>;
  private readonly random = seeded('subscriptions');
  private life = 0;
  private made = 0;

  private constructor(world: World, partner: Actor) {
    this.world = world;
    this.partner = partner;
    this.feed = feedOf(world);
  }

  static async open(): Promise<DeliveryRig> {
    const world = await World.open();
    const rig = new DeliveryRig(world, await world.partner('partner'));
    await rig.start();
    return rig;
  }

  get events(): EventLog {
    return new EventLog(crypto, this.world.genesis.hash, this.feed.feed);
  }

  async start(): Promise<void> {
    await this.openDispatcher();
    this.dispatcher.start();
    await this.settle();
  }

  async openDispatcher(): Promise<void> {
    const life = ++this.life;
    const { clock, store, receipts, slots } = this;
    const log = { debug() {}, info() {}, warn() {}, error: (text: string, fields?: object) => this.note(text, fields) };
    this.dispatcher = await Dispatcher.open({
      ...{ clock, store, receipts, log, events: this.events, audit: this.audit, ...(slots && { slots }) },
      random: { bytes: seeded(`life ${life}`) },
      master: bytesOf('master'),
      transport: {
        refusal: this.refusal,
        post: (url, headers, body) => this.post(life, url, headers, body),
        close: () => {},
      },
    });
  }

  /** Only public https is let through, as in a node. */
  private readonly refusal = (url: string) => (url.startsWith('https:') ? null : 'not an https URL');

  private readonly audit: AuditLog = { append: (entry) => void this.audited.push(entry), of: async () => [] };

  /** As the API manages them; it goes on over crashes. */
  get subscriptions(): SubscriptionAccess {
    const { clock, store, events, refusal } = this;
    const common = { clock, events, master: bytesOf('master'), transport: { refusal }, random: { bytes: this.random } };
    const now = () => new Subscriptions({ ...common, deliveries: new DispatcherDeliveries(this.dispatcher, store) });
    return new Proxy({} as SubscriptionAccess, {
      get: (_, name: keyof SubscriptionAccess) => {
        const current = now();
        return (current[name] as () => unknown).bind(current);
      },
    });
  }

  private note(text: string, fields?: object): void {
    this.errors.push(`${text} ${JSON.stringify(fields)}`);
  }

  private async post(
    life: number,
    url: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Promise<PostOutcome> {
    const event = JSON.parse(Buffer.from(body).toString()) as Delivery['event'];
    const delivery = { url, id: headers['webhook-id']!, atMs: this.clock.now(), event, headers, body };
    this.deliveries.push(delivery);
    const answer = await (this.behaviours.get(url) ?? (() => 204))(delivery);
    // Nobody is there any more to hear it.
    if (life !== this.life) return new Promise(() => {});
    if (typeof answer === 'object') return answer;
    return typeof answer === 'number' ? { kind: 'answered', status: answer } : { kind: 'none', reason: answer };
  }

  /** The process is gone: what was not written is lost, what is under way goes unheard. */
  async crash(): Promise<void> {
    this.life += 1;
    const silent = this.dispatcher;
    const { write } = this.kv;
    this.kv.write = async () => {};
    await silent.stop();
    this.kv.write = write;
    await this.start();
  }

  async subscribe(name: string, fields: Partial<Subscription> = {}, progress: Partial<Progress> = {}): Promise<void> {
    const subscription: Subscription = {
      ...{ id: `sub_${name}`, owner: 'owner', url: `https://${name}.example/`, description: '' },
      ...{ types: ['evidence.registered'], filter: {}, createdMs: START_MS },
      keys: [{ scheme: 'v1a', generation: 1, untilMs: null }],
      ...fields,
    };
    const whole = { ...NEW_PROGRESS, ...progress };
    await this.store.write([{ put: subscription }, { progress: whole, of: subscription.id }]);
    this.dispatcher.add({ subscription, progress: whole, attempts: 0 }).pump();
    await this.settle();
  }

  behave(name: string, behaviour: Behaviour): void {
    this.behaviours.set(`https://${name}.example/`, behaviour);
  }

  /** A block with one record for each subject. */
  async register(...subjects: readonly string[]): Promise<void> {
    const operations = subjects.map((subject) => op.register(evidenceBody(`record ${this.made++}`, { subject })));
    const transactions = operations.map((operation) => this.world.transaction(this.partner, [operation]));
    this.feed.announce(await this.world.applied(...transactions));
    await this.settle();
  }

  async idle(blocks: number): Promise<void> {
    for (let i = 0; i < blocks; i++) this.feed.announce((await this.world.block([])).executed);
    await this.settle();
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    await this.scheduler.run(this.scheduler.nowMs + ms, () => false);
    await this.settle();
  }

  /** What is due now is done, and time stands still. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.scheduler.run(this.scheduler.nowMs, () => false);
    }
  }

  /** Subjects as an endpoint was told of them. */
  told(name: string): string[] {
    const own = this.deliveries.filter(({ url }) => url === `https://${name}.example/`);
    return own.map(({ event }) => String(event.data.subject ?? event.type));
  }

  idsTold(name: string): string[] {
    return this.deliveries.filter(({ url }) => url === `https://${name}.example/`).map(({ id }) => id);
  }

  progress(name: string): Progress {
    return this.dispatcher.endpoint(`sub_${name}`)!.progress;
  }
}
