/**
 * A disk in virtual time. Writes take a while and become durable in order; when the machine dies, those that were not
 * acknowledged are each there whole or not at all, none without those before it. Acknowledged ones stay.
 */
import { type KeyValueStore, type ReadView, StoreError, type Write } from '../../node-core/ports/key-value-store.ts';
import { asTheyAre } from './memory-store.ts';
import { OrderedBytes, type RangeOptions } from './ordered-bytes.ts';

/**
 * What a write meets: its process goes on, has died before it, dies during it, or right after it, without an answer; or
 * the disk is full.
 */
export type Fate = 'goOn' | 'diedBefore' | 'diesDuring' | 'diesAfter' | 'full';

/** One machine's running process, as its ports see it. */
export interface Process {
  readonly alive: boolean;
  /** Virtual timers that die with the process. */
  after(delayMs: number, action: () => void): void;
  /** Every write passes here first. */
  beforeWrite(what: string, bytes: number): Fate;
  /** Ends the process at a planned write. */
  die(): void;
  latencyMs(): number;
}

const MAX_KEY_BYTES = 511;
const MAX_RANGE_KEY_BYTES = 512;

interface Pending {
  readonly batch: readonly Write[];
}

export class Disk {
  /** What a power loss leaves. */
  durable = new OrderedBytes();
  private pending: Pending[] = [];
  private readonly prefixOf: (count: number) => number;

  /** @param prefixOf how many of `count` unacknowledged writes a crash keeps: 0 to `count`. */
  constructor(prefixOf: (count: number) => number) {
    this.prefixOf = prefixOf;
  }

  add(batch: readonly Write[]): Pending {
    const pending = { batch };
    this.pending.push(pending);
    return pending;
  }

  /** Everything up to and including this write is durable now; false when a crash or another process came before. */
  complete(pending: Pending): boolean {
    const count = this.pending.indexOf(pending) + 1;
    for (const { batch } of this.pending.splice(0, count)) this.durable.apply(batch);
    return count > 0;
  }

  crash(): void {
    const kept = this.prefixOf(this.pending.length);
    for (const { batch } of this.pending.splice(0).slice(0, kept)) this.durable.apply(batch);
  }
}

export class DiskStore implements KeyValueStore {
  readonly packing = asTheyAre;
  private readonly disk: Disk;
  private readonly process: Process;
  private readonly view: OrderedBytes;
  /** A batch under way may be seen whole before it is durable, or not: the port allows both. */
  private readonly showsEarly: boolean;
  private underWay: Promise<void> = Promise.resolve();
  private closed = false;
  /** A failed write is never overtaken: no other succeeds before the store is reopened. */
  private hasFailed = false;

  constructor(disk: Disk, process: Process, showsEarly: boolean) {
    this.disk = disk;
    this.process = process;
    this.view = disk.durable.copy();
    this.showsEarly = showsEarly;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.assertOpen();
    assertKey(key, 1, MAX_KEY_BYTES);
    return this.view.get(key);
  }

  range(from: Uint8Array, to: Uint8Array, options: RangeOptions = {}) {
    this.assertOpen();
    return walk(this.view, from, to, options, () => this.assertOpen());
  }

  snapshot(): ReadView {
    this.assertOpen();
    const then = this.view.copy();
    let isOpen = true;
    const assertOpen = () => {
      this.assertOpen();
      if (!isOpen) throw new StoreError('closed', 'the view is closed');
    };
    return {
      packing: this.packing,
      get: (key) => {
        assertOpen();
        assertKey(key, 1, MAX_KEY_BYTES);
        return then.get(key);
      },
      range: (from, to, options = {}) => {
        assertOpen();
        return walk(then, from, to, options, assertOpen);
      },
      close: () => {
        isOpen = false;
      },
    };
  }

  async write(batch: readonly Write[]): Promise<void> {
    this.assertOpen();
    for (const { key } of batch) assertKey(key, 1, MAX_KEY_BYTES);
    if (this.hasFailed) throw fullDisk();
    const copy = batch.map(({ key, value }) => ({ key: key.slice(), value: value === null ? null : value.slice() }));
    const size = copy.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
    const fate = this.process.beforeWrite('store', size);
    if (fate === 'diedBefore') return never();
    if (fate === 'full') {
      this.hasFailed = true;
      throw fullDisk();
    }
    const pending = this.disk.add(copy);
    if (fate === 'diesAfter' || fate === 'diesDuring') {
      if (fate === 'diesAfter') this.disk.complete(pending);
      this.process.die();
      return never();
    }
    if (this.showsEarly) this.view.apply(copy);
    const before = this.underWay;
    const durable = new Promise<void>((resolve) => this.process.after(this.process.latencyMs(), resolve));
    this.underWay = before.then(() => durable);
    await this.underWay;
    if (!this.disk.complete(pending)) return never();
    if (!this.showsEarly) this.view.apply(copy);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.underWay;
  }

  private assertOpen(): void {
    if (this.closed) throw new StoreError('closed', 'the store is closed');
  }
}

function walk(bytes: OrderedBytes, from: Uint8Array, to: Uint8Array, options: RangeOptions, assertOpen: () => void) {
  assertKey(from, 0, MAX_RANGE_KEY_BYTES);
  assertKey(to, 0, MAX_RANGE_KEY_BYTES);
  return entries(bytes, from, to, options, assertOpen);
}

function* entries(
  bytes: OrderedBytes,
  from: Uint8Array,
  to: Uint8Array,
  options: RangeOptions,
  assertOpen: () => void,
) {
  assertOpen();
  for (const key of bytes.between(from, to, options)) {
    assertOpen();
    const entry = bytes.entry(key);
    if (entry !== undefined) yield entry;
  }
}

export function fullDisk(): StoreError {
  return new StoreError('full', 'the disk is full (simulated)');
}

/** What a dead process waits for does not come. */
export function never<T>(): Promise<T> {
  return new Promise(() => {});
}

function assertKey(key: Uint8Array, min: number, max: number): void {
  if (key.length < min || key.length > max) throw new RangeError(`a key of ${key.length} bytes`);
}
