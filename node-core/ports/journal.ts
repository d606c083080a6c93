/**
 * What a node must not lose with its disk, until it is published: rows of bytes by height and name, somewhere else.
 *
 * Contract, held to by test/conformance/journal.ts:
 * - `put` is durable when it resolves. What was there under the name is replaced whole: after a crash the one or the other
 *   is there. It keeps no reference to the caller's bytes.
 * - `read` gives all rows of a height that are whole, by name; after a `put` has resolved, with it.
 * - `remove` of what is not there resolves.
 * - `forget` removes all rows of the heights up to and including `through`, and resolves when they are gone. Broken off, or
 *   given up between two heights because `goesOn` says so, the next one goes on. A `put` at a height that was forgotten resolves and writes nothing.
 * - `isUsed` is true from the first `put` on, for ever.
 * - Names are 1 to 100 characters of `[a-z0-9/]`, others a bug of the caller: RangeError. Rows have up to 64 MiB.
 * - All wait while the place is out of reach, for as long as the driver was told to; then they reject with StoreError 'io'.
 *   After `close` everything rejects with StoreError 'closed'.
 */
export interface Journal {
  put(height: number, name: string, bytes: Uint8Array): Promise<void>;
  read(height: number): Promise<ReadonlyMap<string, Uint8Array>>;
  remove(height: number, names: readonly string[]): Promise<void>;
  forget(through: number, goesOn?: () => boolean): Promise<void>;
  isUsed(): Promise<boolean>;
  close(): Promise<void>;
}
