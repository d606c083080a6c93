/** One change of a batch: `value` null deletes the key, if it is there. */
export interface Write {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/**
 * How a store makes long values shorter; one that has no use for it gives them back as they are. It is not done to every
 * value, as it is only worth its time for many bytes that are much alike and seldom read: who writes a row decides.
 *
 * What `unpack` gives of bytes that are not from `pack` may be anything: who must know compares a digest.
 */
export interface Packing {
  /** Of bytes of any length up to 64 MiB. What it gives and what it took are not changed afterwards: they may be one. */
  pack(bytes: Uint8Array): Uint8Array;
  /** What was packed; null when it is damaged, as far as that shows, or would be longer than 64 MiB. */
  unpack(packed: Uint8Array): Uint8Array | null;
}

export interface Reads {
  readonly packing: Packing;
  get(key: Uint8Array): Uint8Array | undefined;
  range(
    from: Uint8Array,
    to: Uint8Array,
    options?: { readonly limit?: number; readonly reverse?: boolean },
  ): Iterable<{
    readonly key: Uint8Array;
    readonly value: Uint8Array;
  }>;
}

/** The store as it was at one moment. After `close`, which may be called again, reads throw StoreError 'closed'. */
export interface ReadView extends Reads {
  close(): void;
}

/**
 * The embedded store: ordered bytes to bytes. Reads are synchronous, because execution is a synchronous pure function
 * over them, and see exactly the batches whose `write` has resolved (and may see one that is under way whole, never a
 * part of it).
 *
 * Contract, held to by test/conformance/key-value-store.ts:
 * - `write` is atomic: after a crash all of a batch is there or none of it. Within a batch, later changes of a key win.
 * - When `write` resolves, the batch survives power loss. It rejects with StoreError and has then changed nothing that
 *   reads see; whether the batch survives is known again once the store has been reopened.
 * - Batches become durable in the order in which `write` was called, and a failed one is never overtaken: all writes
 *   after it reject too, until the store is reopened. An empty batch resolves when all before it are durable.
 * - `write` keeps no reference to the caller's bytes, and what reads return is the caller's: it never changes later.
 * - Keys are 1 to 511 bytes, values 0 to 64 MiB; others are a bug of the caller: RangeError, nothing is changed.
 * - `range` yields ascending bytewise order (`reverse`: descending), `from` inclusive, `to` exclusive, both of any
 *   length up to 512, at most `limit` entries. Walk it without awaiting in between: continued after an await, it may
 *   show some entries as they were and others as they are. It may be left at any point.
 * - `snapshot` gives a view of what reads see at that moment. It stays so whatever is written later, over any number of
 *   awaits. An open view keeps the store from using the room of what was overwritten since: close it soon.
 * - `packing` of a kind of store is always the same, in its views too: what one has packed, the next release unpacks.
 * - After `close` everything throws or rejects with StoreError 'closed', views included, except `packing`.
 *   `close` waits for the writes under way, and may be called again.
 */
export interface KeyValueStore extends Reads {
  snapshot(): ReadView;
  write(batch: readonly Write[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * - full: the volume or a quota is exhausted. - corrupt: the data are damaged, missing or of another kind.
 * - locked: another process has the folder open. - closed: used after `close`. - io: the operating system refused.
 */
export type StoreErrorCode = 'full' | 'corrupt' | 'locked' | 'closed' | 'io';

export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}
