import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { assertRoom, RESERVE_BYTES } from './room.ts';

const folder = tmpdir();

it('lets a commit begin while the reserve is free', () => {
  const { bavail, bsize } = statfsSync(folder);
  expect(bavail * bsize).toBeGreaterThan(RESERVE_BYTES);
  expect(() => assertRoom(folder)).not.toThrow();
});

it('is full below the reserve, and says where, how much is left and what to do', () => {
  const refused = () => assertRoom(folder, Number.MAX_SAFE_INTEGER);
  expect(refused).toThrow(StoreError);
  expect(refused).toThrow(expect.objectContaining({ code: 'full' }));
  expect(refused).toThrow(new RegExp(`^the volume of ${folder} has \\d+ MiB left, .* free some space there`));
});
