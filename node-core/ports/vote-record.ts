/** The position of a vote record: who wrote it (epoch) and how often (version). */
export interface VoteRecordPosition {
  readonly epoch: number;
  readonly version: number;
}

/**
 * The one thing that a validator must never lose and never share (docs/spec/consensus.md): every signature of the
 * height that it has made, and its lock. The runtime encodes it; drivers keep opaque bytes.
 *
 * Contract, held to by test/conformance/vote-record.ts:
 * - `open` takes a new epoch, greater than any before, durably, at version 0, and returns what is recorded, by a
 *   consistent read; `bytes` is null until the first compareAndSwap of all. From then on every other holder's
 *   `compareAndSwap` fails. Called again on the same object it takes a further epoch.
 * - `compareAndSwap` replaces the bytes if the stored position is `expected`, and is durable when it resolves, to the
 *   new position: the same epoch, the next version. It keeps no reference to the caller's bytes.
 * - 'lost' means that another copy of this validator has taken over: the caller must stop signing for good.
 * - A rejected promise means that the outcome is unknown: the caller reads back (`read`) and goes on only when the
 *   stored bytes are those that it wrote, from the position that `read` returned.
 * - A record that is missing is accepted only where the driver was told that this is the validator's first start; one
 *   that is torn, damaged or unreadable never is: StoreError 'corrupt'.
 * - Before `open` and after `close`, everything else rejects with StoreError 'closed'.
 */
export interface VoteRecord {
  open(): Promise<{ readonly position: VoteRecordPosition; readonly bytes: Uint8Array | null }>;
  read(): Promise<{ readonly position: VoteRecordPosition; readonly bytes: Uint8Array | null }>;
  compareAndSwap(expected: VoteRecordPosition, bytes: Uint8Array): Promise<VoteRecordPosition | 'lost'>;
  close(): Promise<void>;
}
