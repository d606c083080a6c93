import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyText } from '../codec/bytes.ts';
import { StateLayer } from './state.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);
const base = new Map([[keyText(bytes(1)), bytes(10)]]);
const reader = { get: (key: Uint8Array) => base.get(keyText(key)) };

test('a layer reads through, and hides what it removed', () => {
  const layer = new StateLayer(reader);
  expect(layer.get(bytes(1))).toEqual(bytes(10));
  layer.remove(bytes(1));
  expect(layer.get(bytes(1))).toBeUndefined();
  layer.set(bytes(1), bytes(11));
  expect(layer.get(bytes(1))).toEqual(bytes(11));
  expect(reader.get(bytes(1))).toEqual(bytes(10));
});

test('a layer that is thrown away changes nothing; one that is merged changes all', () => {
  const below = new StateLayer(reader);
  below.set(bytes(2), bytes(20));
  const trial = new StateLayer(below);
  trial.set(bytes(2), bytes(21));
  trial.set(bytes(3), bytes(30));
  trial.remove(bytes(1));
  expect([...below.changes()]).toEqual([{ key: bytes(2), value: bytes(20) }]);
  trial.moveInto(below);
  expect([...below.changes()]).toEqual([
    { key: bytes(2), value: bytes(21) },
    { key: bytes(3), value: bytes(30) },
    { key: bytes(1), value: null },
  ]);
});

test('key texts are one to one (property)', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      expect(keyText(a) === keyText(b)).toBe(a.join() === b.join());
      expect(keyText(a).length).toBe(a.length);
    }),
  );
});
