/** The shared store of subscriptions in memory, for tests on virtual time; it keeps the contract like any other. */

import { MAX_ATTEMPTS_KEPT } from '../../node-core/middleware/delivery/limits.ts';
import { isDue } from '../../node-core/middleware/delivery/mail.ts';
import type {
  Lease,
  Mail,
  Shared,
  SharedSubscriptionStore,
  Wanted,
  Work,
} from '../../node-core/ports/shared-subscription-store.ts';
import type {
  Attempt,
  Position,
  Subscribed,
  Subscription,
  SubscriptionChange,
} from '../../node-core/ports/subscription-store.ts';
import { NEW_PROGRESS } from './new-progress.ts';

const NO_MAIL: Mail = { wake: null, set: {}, accepted: false };
type Row = Shared & { readonly token: number; readonly made: readonly Attempt[] };
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

export class MemorySubscriptions implements SharedSubscriptionStore {
  private readonly rows = new Map<string, Row>();
  private version = 0;
  private mark: number | undefined;
  private known: Pick<Wanted, 'version' | 'subscriptions'> | null = null;

  private get sorted(): readonly Row[] {
    return [...this.rows.values()].sort((a, b) => (a.subscription.id < b.subscription.id ? -1 : 1));
  }

  private change(id: string, change: (row: Row) => Partial<Row> | null): boolean {
    const row = this.rows.get(id);
    const changed = row && change(row);
    if (row === undefined || !changed) return false;
    this.rows.set(id, structuredClone({ ...row, ...changed }));
    return true;
  }

  async all(): Promise<readonly Subscribed[]> {
    return this.sorted.map(({ subscription, progress, attempts }) => ({ subscription, progress, attempts }));
  }
  async watermark(): Promise<number | undefined> {
    return this.mark;
  }
  async attempts(id: string, limit: number): Promise<readonly Attempt[]> {
    const made = this.rows.get(id)?.made ?? [];
    return [...made].reverse().slice(0, Math.min(limit, MAX_ATTEMPTS_KEPT));
  }
  async find(id: string): Promise<Shared | undefined> {
    return this.rows.get(id);
  }
  async ofOwner(owner: string): Promise<readonly Shared[]> {
    return this.sorted.filter(({ subscription }) => subscription.owner === owner);
  }

  async create(
    { subscription, progress }: Pick<Subscribed, 'subscription' | 'progress'>,
    most: { readonly ofOwner: number; readonly ofAll: number },
  ): Promise<'created' | 'owner-full' | 'full'> {
    const own = this.sorted.filter(({ subscription: { owner } }) => owner === subscription.owner);
    if (own.length >= most.ofOwner) return 'owner-full';
    if (this.rows.size >= most.ofAll) return 'full';
    this.version += 1;
    const empty = { attempts: 0, mail: NO_MAIL, leasedUntilMs: 0, token: 0, made: [] };
    this.rows.set(subscription.id, structuredClone({ subscription, progress, ...empty }));
    return 'created';
  }

  async replace(before: Subscription, after: Subscription): Promise<boolean> {
    const isReplaced = this.change(before.id, ({ subscription }) =>
      same(subscription, before) ? { subscription: after } : null,
    );
    if (isReplaced) this.version += 1;
    return isReplaced;
  }

  async write(changes: readonly SubscriptionChange[]): Promise<void> {
    for (const change of changes) {
      if ('put' in change) await this.put(change.put);
      else if ('remove' in change) this.version += this.rows.delete(change.remove) ? 1 : 0;
      else if ('progress' in change) this.change(change.of, () => ({ progress: change.progress }));
      else if ('attempt' in change) this.change(change.of, (row) => attempted(row, [change.attempt]));
      else this.mark = change.watermark;
    }
  }

  private async put(subscription: Subscription): Promise<void> {
    const there = this.rows.get(subscription.id);
    if (there !== undefined) await this.replace(there.subscription, subscription);
    else await this.create({ subscription, progress: NEW_PROGRESS }, { ofOwner: Infinity, ofAll: Infinity });
  }

  async wanted(): Promise<Wanted> {
    const { version } = this;
    if (this.known?.version !== version)
      this.known = { version, subscriptions: this.sorted.map(({ subscription }) => subscription) };
    return { ...this.known, watermark: this.mark };
  }
  async moveWatermark(version: number, height: number): Promise<boolean> {
    if (version !== this.version || (this.mark ?? 0) > height) return false;
    this.mark = height;
    return true;
  }
  async wake(id: string, wake: Position): Promise<boolean> {
    return this.change(id, ({ mail }) => (mail.wake === null ? { mail: { ...mail, wake } } : null));
  }
  async order(id: string, { set = {}, accepted = false }: Partial<Mail>): Promise<boolean> {
    return this.change(id, ({ mail }) => ({
      mail: { ...mail, set: { ...mail.set, ...set }, accepted: mail.accepted || accepted },
    }));
  }
  async due(nowMs: number): Promise<readonly string[]> {
    return this.sorted.filter((row) => isDue(row, nowMs)).map(({ subscription }) => subscription.id);
  }

  async take(id: string, nowMs: number, untilMs: number): Promise<Lease | undefined> {
    const isTaken = this.change(id, ({ leasedUntilMs, token }) =>
      leasedUntilMs <= nowMs ? { leasedUntilMs: untilMs, token: token + 1 } : null,
    );
    return isTaken ? this.rows.get(id) : undefined;
  }
  async keep({ subscription, token, mail }: Lease, { progress, attempts, isMailRead }: Work): Promise<boolean> {
    return this.change(subscription.id, (row) => {
      if (row.token !== token) return null;
      const now = { progress, ...attempted(row, attempts) };
      if (!isMailRead) return now;
      const isSame = same({ ...row.mail, wake: null }, { ...mail, wake: null });
      return isSame ? { ...now, mail: { ...NO_MAIL, wake: mail.wake === null ? row.mail.wake : null } } : null;
    });
  }
  async release({ subscription, token }: Lease): Promise<boolean> {
    const isOwn = this.change(subscription.id, (row) => (row.token === token ? { leasedUntilMs: 0 } : null));
    return isOwn && !same(this.rows.get(subscription.id)!.mail, NO_MAIL);
  }
  async close(): Promise<void> {}
}

function attempted(row: Row, attempts: readonly Attempt[]): Pick<Row, 'made' | 'attempts'> {
  const newest = attempts.at(-1);
  return {
    made: [...row.made, ...attempts].slice(-MAX_ATTEMPTS_KEPT),
    attempts: newest ? newest.number + 1 : row.attempts,
  };
}
