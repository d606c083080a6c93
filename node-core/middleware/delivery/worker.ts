/**
 * Delivers to one subscription at a time, for a while: what a function does that is called when there is something to
 * do. It holds the subscription's lease meanwhile, so that no other delivers to the same endpoint, and hands it back with
 * what is left.
 *
 * As in the dispatcher progress is never written before a message is sent: whoever is ended between the two repeats
 * messages, under the same IDs, and leaves none out.
 */
import type { Lease, Shared, SharedSubscriptionStore } from '../../ports/shared-subscription-store.ts';
import type { Attempt, DisabledReason, Subscription } from '../../ports/subscription-store.ts';
import { Endpoint, type EndpointParts } from './endpoint.ts';
import { canSend, isDue, withMail } from './mail.ts';
import { Payloads, type Receipts } from './payload.ts';
import { SendSlots } from './send-slots.ts';

export interface WorkerParts
  extends Pick<EndpointParts, 'transport' | 'random' | 'master' | 'sign' | 'events' | 'clock' | 'log'> {
  readonly store: SharedSubscriptionStore;
  readonly receipts: Receipts;
  readonly slots?: SendSlots;
  /** The longest that one attempt takes, ms: the driver's limit. */
  readonly attemptMs: number;
  /** Told of each attempt, for whoever counts them. */
  attempted?(attempt: Attempt): void;
  /** Tells the owner of an endpoint that is disabled; waited for before progress is written. */
  tellOwner?(subscription: Subscription, reason: DisabledReason): Promise<void>;
  /** Looks how high the chain is now. */
  refresh(): Promise<unknown>;
}

/** How often progress is written and mail is looked for, while there is much to deliver. */
const WRITE_EVERY_MS = 2_000;
/** Clocks of two machines differ by less. */
const CLOCKS_MS = 5_000;

export class Worker {
  private readonly parts: WorkerParts;
  private readonly slots: SendSlots;
  private readonly payloads: Payloads;

  constructor(parts: WorkerParts) {
    this.parts = parts;
    this.slots = parts.slots ?? new SendSlots();
    this.payloads = new Payloads(parts.receipts);
  }

  /**
   * Delivers what is due.
   * @param untilMs when it has to be over; the last attempt begins so long before that it is.
   * @returns when to call again; null when nothing is left to do, or another one sees to it.
   * @throws what the store throws
   */
  async run(id: string, untilMs: number): Promise<number | null> {
    const { store, clock } = this.parts;
    let again: number | null = null;
    for (let hasMail = true; hasMail; ) {
      const there = await store.find(id);
      if (there === undefined || !isDue(there, clock.now())) return again;
      if (this.hasNoTime(untilMs)) return clock.now();
      const lease = await store.take(id, clock.now(), untilMs + CLOCKS_MS);
      if (lease === undefined) return again;
      again = await this.deliver(lease, untilMs);
      hasMail = await store.release(lease);
    }
    return again;
  }

  private hasNoTime(untilMs: number): boolean {
    return this.parts.clock.now() + this.parts.attemptMs > untilMs;
  }

  private async deliver(lease: Lease, untilMs: number): Promise<number | null> {
    const { store, clock, refresh } = this.parts;
    const nowMs = clock.now();
    const progress = withMail(lease.progress, lease.mail, nowMs);
    if (!(await store.keep(lease, { progress, attempts: [], isMailRead: true }))) return null;
    if (!canSend(progress, nowMs)) return null;
    // After the mail was read: whatever it told of is not higher than this.
    await refresh();
    const delivery = new Delivery(this.parts, { slots: this.slots, payloads: this.payloads }, { ...lease, progress });
    try {
      delivery.begin();
      while (!(await delivery.restsWithin(WRITE_EVERY_MS))) {
        if (!(await delivery.write())) return null;
        if (this.hasNoTime(untilMs) || (await this.isOver(lease))) delivery.endpoint.drain();
      }
      await delivery.write();
      return delivery.again;
    } finally {
      delivery.endpoint.stop();
    }
  }

  /** Its owner wants something else now, and finds it in force once what is under way is over. */
  private async isOver(lease: Lease): Promise<boolean> {
    const there: Shared | undefined = await this.parts.store.find(lease.subscription.id);
    if (there === undefined) return true;
    const { set, accepted } = there.mail;
    const isChanged = JSON.stringify(there.subscription) !== JSON.stringify(lease.subscription);
    return isChanged || accepted || Object.keys(set).length > 0;
  }
}

const NOTHING = async () => {};

/** One endpoint at work, and what of it has not been written. */
class Delivery {
  readonly endpoint: Endpoint;
  private readonly parts: WorkerParts;
  private readonly lease: Lease;
  private attempts: Attempt[] = [];
  private hasMoved = false;
  private notice: () => Promise<void> = NOTHING;
  private isAtRest = false;
  private rested: () => void = () => {};

  constructor(parts: WorkerParts, { slots, payloads }: { slots: SendSlots; payloads: Payloads }, lease: Lease) {
    const { transport, random, master, sign, events, clock, log } = parts;
    this.parts = parts;
    this.lease = lease;
    const own: EndpointParts = {
      ...{ transport, random, master, sign, events, clock, log, slots },
      payload: (event) => payloads.of(event),
      matched: () => events.height,
      attempted: (_, attempt) => {
        this.attempts.push(attempt);
        parts.attempted?.(attempt);
      },
      moved: () => {
        this.hasMoved = true;
      },
      disabled: (subscription, reason) => {
        this.notice = () => parts.tellOwner?.(subscription, reason) ?? Promise.resolve();
      },
      rested: () => {
        this.isAtRest = true;
        this.rested();
      },
    };
    this.endpoint = new Endpoint(own, lease);
  }

  begin(): void {
    this.endpoint.pump();
  }

  /** Whether it has come to rest by then. */
  restsWithin(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.isAtRest) return resolve(true);
      const cancel = this.parts.clock.schedule(ms, () => resolve(this.isAtRest));
      this.rested = () => {
        cancel();
        resolve(true);
      };
    });
  }

  /** false when the lease is over: another one delivers by now. */
  async write(): Promise<boolean> {
    const { attempts, hasMoved } = this;
    if (attempts.length === 0 && !hasMoved) return true;
    this.attempts = [];
    this.hasMoved = false;
    // Rather twice than never.
    await this.notice();
    this.notice = NOTHING;
    const { progress } = this.endpoint;
    const isKept = await this.parts.store.keep(this.lease, { progress, attempts, isMailRead: false });
    const { id } = this.lease.subscription;
    if (!isKept) this.parts.log.warn('a lease was over before its deliveries were', { subscription: id });
    return isKept;
  }

  /** When there is something to do for it again. */
  get again(): number | null {
    const nowMs = this.parts.clock.now();
    const { progress, dueMs } = this.endpoint;
    if (progress.disabled !== null) return null;
    if (dueMs > nowMs) return dueMs;
    return progress.from === null && progress.replay === null ? null : nowMs;
  }
}
