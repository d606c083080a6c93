import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FieldValue } from '../../ledger/projection.ts';
import { filterRefusal, matches, valueFromText } from './filter.ts';
import { SubscriptionIndex } from './subscription-index.ts';

const TYPES = ['block.final', 'transaction.final', 'evidence.registered'];
const names = fc.constantFrom('subject', 'code', 'applied', 'digest', 'attributes.lot');
const value: fc.Arbitrary<FieldValue> = fc.constantFrom('a', '1', 1, 0, true, 'true', '');
const wanted = fc.record({
  id: fc.constantFrom('s1', 's2', 's3', 's4', 's5', 's6'),
  types: fc.array(fc.constantFrom(...TYPES), { maxLength: 3 }),
  filter: fc.dictionary(names, value, { maxKeys: 3 }),
});
const event = fc.record({
  type: fc.constantFrom(...TYPES),
  data: fc.dictionary(names, fc.oneof(value, fc.array(value, { maxLength: 3 })), { maxKeys: 5 }),
});

test('finds each subscription that a look at all of them finds, once, whatever is put in and taken out', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), wanted), { maxLength: 20 }), fc.array(event), (changes, events) => {
      const index = new SubscriptionIndex();
      const all = new Map<string, (typeof changes)[number][1]>();
      for (const [isPut, one] of changes) {
        if (isPut) {
          index.put(one);
          all.set(one.id, one);
        } else {
          index.remove(one.id);
          all.delete(one.id);
        }
      }
      expect(index.size).toBe(all.size);
      for (const one of events) {
        const expected = [...all.values()].filter((candidate) => matches(candidate, one)).map(({ id }) => id);
        expect([...index.of(one)].sort()).toEqual(expected.sort());
      }
    }),
  );
});

test('looks at those alone that share a value with the event', () => {
  const index = new SubscriptionIndex();
  let looked = 0;
  for (let i = 0; i < 1_000; i++) {
    const filter = { subject: `lot ${i}` };
    // Whoever compares reads the types first.
    const types = new Proxy(['evidence.registered'], {
      get: (target, name, receiver) => {
        if (name === 'includes') looked += 1;
        return Reflect.get(target, name, receiver);
      },
    });
    index.put({ id: `s${i}`, types, filter });
  }
  expect([...index.of({ type: 'evidence.registered', data: { record: 'r', subject: 'lot 7' } })]).toEqual(['s7']);
  expect(looked).toBe(1);
});

describe('filters', () => {
  const ofEvidence = (filter: Record<string, FieldValue>) => filterRefusal({ types: ['evidence.registered'], filter });

  test('of declared fields and types are accepted', () => {
    expect(ofEvidence({ subject: 'lot 7', 'attributes.weight': 5, digest: 'sha-256:00' })).toBeNull();
    expect(filterRefusal({ types: [], filter: {} })).toBeNull();
    expect(filterRefusal({ types: ['transaction.final'], filter: { applied: false, code: 0 } })).toBeNull();
  });

  test.each([
    [{ types: ['evidence.changed'], filter: {} }, 'EVENT_TYPE_UNKNOWN', /evidence\.registered/],
    [{ types: ['__proto__'], filter: {} }, 'EVENT_TYPE_UNKNOWN', /known are/],
    [{ types: ['evidence.registered'], filter: { colour: 'red' } }, 'EVENT_FIELD_UNKNOWN', /subject/],
    [{ types: ['evidence.registered'], filter: { sizeBytes: 3 } }, 'EVENT_FIELD_UNKNOWN', /can be filtered by/],
    [{ types: ['evidence.registered'], filter: { constructor: 'x' } }, 'EVENT_FIELD_UNKNOWN', /can be filtered by/],
    [{ types: ['evidence.registered'], filter: { 'attributes.': 'x' } }, 'EVENT_FIELD_UNKNOWN', /can be filtered by/],
    [
      { types: ['block.final', 'evidence.registered'], filter: { subject: 'x' } },
      'EVENT_FIELD_UNKNOWN',
      /block\.final/,
    ],
    [{ types: [], filter: { subject: 'x' } }, 'EVENT_FIELD_UNKNOWN', /name the types/],
    [{ types: ['evidence.registered'], filter: { subject: 7 } }, 'BAD_REQUEST', /of type string/],
    [{ types: ['evidence.registered'], filter: { subject: 'x'.repeat(513) } }, 'BAD_REQUEST', /longer than 512/],
    [{ types: Array(17).fill('block.final'), filter: {} }, 'BAD_REQUEST', /at most 16 types/],
  ])('others get a code that says what would be: %j', (wanted, code, detail) => {
    expect(filterRefusal(wanted)).toMatchObject({ code, detail: expect.stringMatching(detail) });
  });

  test('values from a URL are read as the fields are declared', () => {
    expect(valueFromText(['transaction.final'], 'code', '12')).toBe(12);
    expect(valueFromText(['transaction.final'], 'applied', 'true')).toBe(true);
    expect(valueFromText(['transaction.final'], 'label', '12')).toBe('12');
    expect(valueFromText(['evidence.registered'], 'attributes.lot', '12')).toBe(12);
    expect(valueFromText(['evidence.registered'], 'attributes.lot', '012')).toBe('012');
    expect(valueFromText(['nothing'], 'label', '12')).toBe('12');
  });
});
