import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openWebhookSecret } from './webhook-secret-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'brop-webhook-secret-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('is made once, for its owner alone, and is the same again', () => {
  const path = join(folder, 'made');
  const secret = openWebhookSecret(path);
  expect(secret).toHaveLength(32);
  expect(openWebhookSecret(path)).toEqual(secret);
  expect(openWebhookSecret(join(folder, 'other'))).not.toEqual(secret);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('one that others may read is refused', () => {
  const path = join(folder, 'open');
  openWebhookSecret(path);
  chmodSync(path, 0o640);
  expect(() => openWebhookSecret(path)).toThrow('chmod 600');
});

it.each(['', 'abc', 'f'.repeat(64), `${'f'.repeat(63)}g\n`, `${'f'.repeat(66)}\n`])(
  'one that is damaged is refused, and not shown: %j',
  (content) => {
    const path = join(folder, 'damaged');
    rmSync(path, { force: true });
    writeFileSync(path, content, { mode: 0o600 });
    expect(() => openWebhookSecret(path)).toThrow(/damaged\.(?!.*ffff)/);
    expect(readFileSync(path, 'utf8')).toBe(content);
  },
);
