import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_PARAMETERS } from '../chain/parameters.ts';
import { stateKey } from '../chain/state-keys.ts';
import { encodeTransactionEntry } from '../chain/transaction-entry.ts';
import { keyText } from '../codec/bytes.ts';
import { type ExpiringNonce, expiringNonceOf, prunedThroughOf, pruneNonces, usedNonceOf } from './nonces.ts';
import { StateLayer } from './state.ts';

const stem = (n: number) => Uint8Array.from({ length: 31 }, (_, i) => (i < 4 ? (n >>> (24 - 8 * i)) & 255 : 0));

/** The nonces of a chain, kept as the store keeps them: ascending by expiry. */
class Kept {
  readonly state = new StateLayer({ get: () => undefined });
  entries: ExpiringNonce[] = [];
  private made = 0;

  add(expiry: number, height: number): void {
    const entry = { expiry, height, stem: stem(this.made++) };
    this.entries.push(entry);
    this.entries.sort((a, b) => a.expiry - b.expiry);
    this.state.set(stateKey.transaction(entry.stem), encodeTransactionEntry({ expiry, height, code: 0, left: null }));
  }

  prune(height: number, fields: { nonceRetention: number; maxPruned: number }): readonly ExpiringNonce[] {
    const expiring = (through: number, limit: number) =>
      this.entries.filter((e) => e.expiry <= through).slice(0, limit);
    const removed = pruneNonces(this.state, { ...DEFAULT_PARAMETERS, ...fields }, height, expiring);
    this.entries = this.entries.filter((entry) => !removed.includes(entry));
    return removed;
  }
}

describe('a used nonce', () => {
  test('round trip of expiry, height and code', () => {
    const layer = new StateLayer({ get: () => undefined });
    const entry = { expiry: 9, height: 5, code: 2101, left: null };
    layer.set(stateKey.transaction(stem(1)), encodeTransactionEntry(entry));
    expect(usedNonceOf(layer, stem(1))).toEqual(entry);
    expect(usedNonceOf(layer, stem(2))).toBeUndefined();
  });

  test('goes unless its transaction has left records; other entries are none', () => {
    const used = { expiry: 9, height: 5, code: 0 };
    const hash = new Uint8Array(32);
    const by = { sender: new Uint8Array(20), nonce: hash, timeMs: 1, legal: { version: '1', digest: hash } };
    const left = { ...by, records: [[0, 'something']] as const };
    const key = stateKey.transaction(stem(1));
    const { code: _, ...expiring } = { ...used, stem: stem(1) };
    expect(expiringNonceOf(key, encodeTransactionEntry({ ...used, left: null }))).toEqual(expiring);
    expect(expiringNonceOf(key, encodeTransactionEntry({ ...used, left }))).toBeNull();
    expect(expiringNonceOf(stateKey.prunedThrough(), hash)).toBeNull();
    expect(expiringNonceOf(stateKey.node(hash), hash)).toBeNull();
    // As long as the key of an entry.
    expect(expiringNonceOf(stateKey.subject(new Uint8Array(20), 'abc'), hash)).toBeNull();
  });
});

describe('removal', () => {
  const settings = { nonceRetention: 3, maxPruned: 2 };

  test('an entry with expiry e is kept through height e + retention and goes in the next block', () => {
    const kept = new Kept();
    kept.add(10, 5);
    expect(kept.prune(13, settings)).toEqual([]);
    expect(prunedThroughOf(kept.state)).toBeNull();
    expect(kept.prune(14, settings)).toHaveLength(1);
    expect(prunedThroughOf(kept.state)).toBe(10);
    expect(usedNonceOf(kept.state, stem(0))).toBeUndefined();
  });

  test('at most maxPruned in a block; what is left over goes later, in order of expiry', () => {
    const kept = new Kept();
    for (const expiry of [12, 10, 10, 10, 11]) kept.add(expiry, 5);
    expect(kept.prune(20, settings).map(({ expiry }) => expiry)).toEqual([10, 10]);
    // One entry of expiry 10 is still there, but others are gone: an absence proves nothing any more.
    expect(prunedThroughOf(kept.state)).toBe(10);
    expect(kept.prune(21, settings).map(({ expiry }) => expiry)).toEqual([10, 11]);
    expect(prunedThroughOf(kept.state)).toBe(11);
    expect(kept.prune(22, settings).map(({ expiry }) => expiry)).toEqual([12]);
    expect(prunedThroughOf(kept.state)).toBe(12);
  });

  test('when nothing goes, nothing changes: an idle chain keeps its state, and absences stay provable', () => {
    const kept = new Kept();
    expect(kept.prune(1_000, settings)).toEqual([]);
    expect([...kept.state.changes()]).toEqual([]);
  });

  test('prunedThrough < e exactly means that every entry of expiry e and above is there (property)', () => {
    const block = fc.array(fc.nat({ max: 8 }), { maxLength: 4 });
    const set = fc.record({
      nonceRetention: fc.integer({ min: 1, max: 5 }),
      maxPruned: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 40 }), set, (blocks, chosen) => {
        const kept = new Kept();
        const made: ExpiringNonce[] = [];
        let before = 0;
        for (const [i, ahead] of blocks.entries()) {
          const height = i + 1;
          const removed = kept.prune(height, chosen);
          expect(removed.length).toBeLessThanOrEqual(chosen.maxPruned);
          for (const offset of ahead) kept.add(height + offset, height);
          for (const entry of kept.entries) if (!made.includes(entry)) made.push(entry);
          const through = prunedThroughOf(kept.state) ?? 0;
          expect(through).toBeGreaterThanOrEqual(before);
          before = through;
          for (const entry of made) {
            const isThere = usedNonceOf(kept.state, entry.stem) !== undefined;
            if (entry.expiry > through) expect(isThere).toBe(true);
            // Gone only when no block can pack it again: it has expired for good.
            if (!isThere) expect(entry.expiry).toBeLessThan(height);
          }
          const gone = made.filter((entry) => usedNonceOf(kept.state, entry.stem) === undefined);
          expect(through).toBe(Math.max(0, ...gone.map(({ expiry }) => expiry)));
        }
      }),
    );
  });

  test('the store is asked for no more than is needed', () => {
    const layer = new StateLayer({ get: () => undefined });
    const asked: [number, number][] = [];
    pruneNonces(layer, { ...DEFAULT_PARAMETERS, ...settings }, 4, () => expect.unreachable());
    pruneNonces(layer, { ...DEFAULT_PARAMETERS, ...settings }, 5, (...args) => {
      asked.push(args);
      return [];
    });
    expect(asked).toEqual([[1, 2]]);
    expect(keyText(stateKey.prunedThrough())).toBe(`\u0081${String.fromCharCode(0x6d)}prunedThrough`);
  });
});
