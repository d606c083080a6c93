import { expect, test } from 'vitest';
import { COMPONENT_COLLECTIONS, projectionsOf } from './projections.ts';
import { operationsOf } from './table.ts';

test('every transaction type is projected, and nothing else', () => {
  expect([...projectionsOf(1).keys()].sort()).toEqual([...operationsOf(1).keys()].sort());
});

test('names of collections and fields need no escaping anywhere', () => {
  for (const { name, fields, open } of COMPONENT_COLLECTIONS) {
    expect(name).toMatch(/^[a-z]+$/);
    for (const field of Object.keys(fields)) expect(field).toMatch(/^[a-z][A-Za-z]*(\.[a-z][A-Za-z]*)?$/);
    if (open !== undefined) expect(open).toMatch(/^[a-z]+\.$/);
  }
});

test('a version that this software does not know stops it', () => {
  expect(() => projectionsOf(2)).toThrow('protocol version 2 is unknown');
});
