/** Reading and changing the state. Changes gather in layers; a layer is kept or thrown away whole. */

import { keyText } from '../codec/bytes.ts';
import type { Hash } from '../crypto/hash-type.ts';
import { type PageReader, stateKeyHash, stateValueHash, updateTree } from '../crypto/state-tree.ts';

export interface StateReader {
  get(key: Uint8Array): Uint8Array | undefined;
}

export interface StateChange {
  readonly key: Uint8Array;
  /** null: the entry is removed. */
  readonly value: Uint8Array | null;
}

/** With the place of its key in the tree. */
export interface PlacedChange extends StateChange {
  readonly keyHash: Uint8Array;
}

export function placed(hash: Hash, changes: Iterable<StateChange>): PlacedChange[] {
  return [...changes].map(({ key, value }) => ({ key, keyHash: stateKeyHash(hash, key), value }));
}

/** Applies changes to the state tree: its new root, and the pages to store. */
export function updateStateTree(hash: Hash, readPage: PageReader, changes: readonly PlacedChange[]) {
  const updates = changes.map(({ keyHash, value }) => ({
    keyHash,
    valueHash: value === null ? null : stateValueHash(hash, value),
  }));
  return updateTree(hash, readPage, updates);
}

export class StateLayer implements StateReader {
  private readonly base: StateReader;
  private readonly changed = new Map<string, StateChange>();

  constructor(base: StateReader) {
    this.base = base;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.find(keyText(key), key);
  }

  private find(text: string, key: Uint8Array): Uint8Array | undefined {
    const change = this.changed.get(text);
    if (change !== undefined) return change.value ?? undefined;
    return this.base instanceof StateLayer ? this.base.find(text, key) : this.base.get(key);
  }

  set(key: Uint8Array, value: Uint8Array): void {
    this.changed.set(keyText(key), { key, value });
  }

  remove(key: Uint8Array): void {
    this.changed.set(keyText(key), { key, value: null });
  }

  /** In the order of first change; the state tree sorts for itself. */
  changes(): Iterable<StateChange> {
    return this.changed.values();
  }

  /** Makes these changes part of the layer below; none are left here. */
  moveInto(below: StateLayer): void {
    for (const [text, change] of this.changed) below.changed.set(text, change);
    this.clear();
  }

  /** Forgets these changes. */
  clear(): void {
    // To clear an empty map allocates memory, too.
    if (this.changed.size > 0) this.changed.clear();
  }
}
