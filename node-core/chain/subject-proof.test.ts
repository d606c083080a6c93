// The walk itself; whole proofs, of real validators, are in test/proofs/subject-proof.test.ts.
import { expect, test } from 'vitest';
import type { EvidenceRecord } from './operations/evidence-record.ts';
import { SubjectWalk } from './subject-proof.ts';

const id = (n: number) => new Uint8Array(32).fill(n);
/** Record n is at height 10·n. */
function record(n: number, fields: Partial<EvidenceRecord> = {}): EvidenceRecord {
  return {
    ...{ registrant: new Uint8Array(20), nonce: id(0), operation: 0, height: 10 * n, timeMs: 0, body: id(0) },
    ...{ legal: { version: '1', digest: id(0) }, subject: 's', sequence: n },
    ...(n > 1 && { previous: id(n - 1), previousHeight: 10 * (n - 1) }),
    ...fields,
  };
}
const head = { count: 3, head: id(3), height: 30 };

test('goes back to the first record, and then ends', () => {
  const walk = new SubjectWalk(head, 0);
  for (const n of [3, 2, 1]) {
    expect(walk.next).toEqual(id(n));
    expect(walk.take(record(n))).toBe(true);
  }
  expect(walk.next).toBeNull();
  expect(walk.take(record(1))).toBe(false);
});

test('ends where the record before lies below the range, and begins nowhere when the head does', () => {
  const walk = new SubjectWalk(head, 11);
  expect([walk.take(record(3)), walk.next, walk.take(record(2)), walk.next]).toEqual([true, id(2), true, null]);
  expect(new SubjectWalk(head, 31).next).toBeNull();
  expect(new SubjectWalk(head, 30).next).toEqual(id(3));
  expect(new SubjectWalk(null, 0).next).toBeNull();
});

test('takes no record of another place, and none that is first without being the first, or the other way round', () => {
  for (const wrong of [record(3, { sequence: 2 }), record(3, { sequence: 4 }), record(1, { sequence: 3 })])
    expect(new SubjectWalk(head, 0).take(wrong)).toBe(false);
  const one = { count: 1, head: id(1), height: 10 };
  expect(new SubjectWalk(one, 0).take(record(1, { previous: id(9), previousHeight: 5 }))).toBe(false);
});
