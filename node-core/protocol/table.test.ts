import { expect, test } from 'vitest';
import { operationsOf } from './table.ts';

test('version 1 has these types, each under its own name and with a clause', () => {
  const clauses = [...operationsOf(1)].map(([name, type]) => [name, type.type, type.clause]);
  expect(clauses).toEqual([
    ['governance.admitPartner', 'governance.admitPartner', 'governance'],
    ['governance.admitValidator', 'governance.admitValidator', 'governance'],
    ['governance.setValidators', 'governance.setValidators', 'governance'],
    ['governance.registerNode', 'governance.registerNode', 'governance'],
    ['governance.unregisterNode', 'governance.unregisterNode', 'governance'],
    ['identity.certify', 'identity.certify', 'trueIdentity'],
    ['evidence.registerSchema', 'evidence.registerSchema', 'lawfulData'],
    ['evidence.register', 'evidence.register', 'lawfulData'],
    ['evidence.registerBatch', 'evidence.registerBatch', 'lawfulData'],
  ]);
});

test('names are component.verb, so that they need no escaping anywhere', () => {
  for (const name of operationsOf(1).keys()) expect(name).toMatch(/^[a-z]+\.[a-z][A-Za-z]+$/);
});

test('a version that this software does not know stops it', () => {
  for (const version of [0, 2]) expect(() => operationsOf(version)).toThrow(`protocol version ${version} is unknown`);
});
