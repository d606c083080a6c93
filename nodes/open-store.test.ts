import { expect, it } from 'vitest';
import { StoreError } from '../node-core/ports/key-value-store.ts';
import { explained } from './open-store.ts';

it('a full or damaged store keeps its code and its words, also as the cause of what failed', () => {
  const full = new StoreError('full', 'the volume of /data has 3 MiB left');
  const wrapped = new Error('a write of the vote record failed', { cause: full });
  for (const error of [full, wrapped]) {
    expect(explained(error)).toMatchObject({ code: 'STORE_FULL', message: expect.stringContaining(full.message) });
  }
  expect(explained(new StoreError('corrupt', 'x'))).toMatchObject({ code: 'STORE_CORRUPT' });
});

it('what no store has said stays what it is', () => {
  const bug = new Error('a bug');
  expect(explained(bug)).toBe(bug);
});
