/**
 * The port SubscriptionStore over an embedded store of its own. Rows are JSON: `s` and the ID: the subscription; `p` and
 * the ID: its progress; `a`, the ID and a number below MAX_ATTEMPTS_KEPT: an attempt, which the hundredth after it
 * overwrites; `w`: the watermark.
 */
import { concat, utf8 } from '../../node-core/codec/bytes.ts';
import { MAX_ATTEMPTS_KEPT } from '../../node-core/middleware/delivery/limits.ts';
import type { KeyValueStore, Write } from '../../node-core/ports/key-value-store.ts';
import type {
  Attempt,
  Progress,
  Subscribed,
  Subscription,
  SubscriptionChange,
  SubscriptionStore,
} from '../../node-core/ports/subscription-store.ts';

/** IDs have no zero byte in them, so that none is the beginning of another's key. */
const END = Uint8Array.of(0);
const AFTER_END = Uint8Array.of(1);
const key = (kind: 's' | 'p' | 'a', id: string, ...rest: Uint8Array[]) => concat(utf8(`${kind}${id}`), END, ...rest);
const WATERMARK = utf8('w');
const NO_PROGRESS: Progress = { cursor: null, from: null, replay: null, failing: null, disabled: null, proven: false };

function encode(value: unknown): Uint8Array {
  return utf8(JSON.stringify(value));
}

function decode<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes).toString()) as T;
}

export function subscriptionsKv(kv: KeyValueStore): SubscriptionStore {
  const attemptsOf = (id: string) => {
    const rows = kv.range(key('a', id), concat(utf8(`a${id}`), AFTER_END));
    return [...rows].map(({ value }) => decode<Attempt>(value)).sort((a, b) => b.number - a.number);
  };
  const subscribed = (subscription: Subscription): Subscribed => {
    const { id } = subscription;
    const bytes = kv.get(key('p', id));
    const progress = bytes === undefined ? NO_PROGRESS : decode<Progress>(bytes);
    return { subscription, progress, attempts: (attemptsOf(id)[0]?.number ?? -1) + 1 };
  };
  let replacing: Promise<unknown> = Promise.resolve();
  const replace = async (before: Subscription, after: Subscription) => {
    const at = key('s', before.id);
    const there = kv.get(at);
    if (there === undefined || Buffer.compare(there, encode(before)) !== 0) return false;
    await kv.write([{ key: at, value: encode(after) }]);
    return true;
  };
  return {
    // One after the other: what is compared is what has been written last.
    replace: (before, after) => {
      const replaced = replacing.then(() => replace(before, after));
      replacing = replaced.catch(() => {});
      return replaced;
    },
    all: async () => [...kv.range(utf8('s'), utf8('t'))].map(({ value }) => subscribed(decode<Subscription>(value))),
    watermark: async () => {
      const bytes = kv.get(WATERMARK);
      return bytes === undefined ? undefined : decode<number>(bytes);
    },
    attempts: async (id, limit) => attemptsOf(id).slice(0, limit),
    write: (changes) => kv.write(writesOf(kv, changes)),
    close: () => kv.close(),
  };
}

function writesOf(kv: KeyValueStore, changes: readonly SubscriptionChange[]): Write[] {
  const writes: Write[] = [];
  /** What this batch has put in or taken out so far. */
  const there = new Map<string, boolean>();
  const exists = (id: string) => there.get(id) ?? kv.get(key('s', id)) !== undefined;
  const put = (at: Uint8Array, value: unknown) => writes.push({ key: at, value: encode(value) });
  for (const change of changes) {
    if ('put' in change) {
      there.set(change.put.id, true);
      put(key('s', change.put.id), change.put);
    } else if ('remove' in change) {
      there.set(change.remove, false);
      writes.push(...removal(change.remove));
    } else if ('progress' in change) {
      if (exists(change.of)) put(key('p', change.of), change.progress);
    } else if ('attempt' in change) {
      const slot = Uint8Array.of(change.attempt.number % MAX_ATTEMPTS_KEPT);
      if (exists(change.of)) put(key('a', change.of, slot), change.attempt);
    } else put(WATERMARK, change.watermark);
  }
  return writes;
}

/** All that there can be: what one batch has put in before is not in the store yet. */
function removal(id: string): Write[] {
  const slots = Array.from({ length: MAX_ATTEMPTS_KEPT }, (_, slot) => key('a', id, Uint8Array.of(slot)));
  return [key('s', id), key('p', id), ...slots].map((at) => ({ key: at, value: null }));
}
