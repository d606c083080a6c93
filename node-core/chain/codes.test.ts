import { expect, test } from 'vitest';
import { BropError, CODES, type CodeName, codeName, refusal } from './codes.ts';

const entries = Object.entries(CODES) as [CodeName, { number: number; text: string }][];

test('no number is there twice, and each leads back to its name', () => {
  expect(new Set(entries.map(([, { number }]) => number)).size).toBe(entries.length);
  for (const [name, { number }] of entries) expect(codeName(number)).toBe(name);
  expect(codeName(9_999)).toBeUndefined();
});

test('numbers stand in ascending order, which is the order of precedence within a stage', () => {
  const numbers = entries.map(([, { number }]) => number);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
});

test('each text is one sentence for people', () => {
  for (const [, { text }] of entries) expect(text).toMatch(/^[A-Z].*\.$/);
});

test('a refusal has a detail only when there is one', () => {
  expect(refusal('EXPIRED')).toEqual({ code: 'EXPIRED' });
  expect(refusal('EXPIRED', 'height 5')).toEqual({ code: 'EXPIRED', detail: 'height 5' });
});

test('BropError carries the code and its number', () => {
  const error = new BropError('PORT_IN_USE', '127.0.0.1:7001');
  expect([error.code, error.number, error.message]).toEqual([
    'PORT_IN_USE',
    5002,
    'The port is in use. 127.0.0.1:7001',
  ]);
});
