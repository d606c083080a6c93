import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { BELIEVED_MS, openTokenKeys, SIGNS_MS } from './token-keys-file.ts';

let folder: string;
let path: string;
const time = { ms: 1_700_000_000_000 };
const clock = { now: () => time.ms, schedule: () => () => {} };
const open = () => openTokenKeys(path, pureCrypto, clock);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'token-keys-'));
  path = join(folder, 'token-keys.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('openTokenKeys', () => {
  it('makes the file when a key is first wanted, for its owner alone, and finds it again', async () => {
    expect([open() !== undefined, existsSync(path)]).toEqual([true, false]);
    const made = await open().current();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await open().current()).toMatchObject(made);
    expect((await open().find(made.kid))?.publicKey).toEqual(made.publicKey);
    expect(await open().find('00')).toBeUndefined();
  });

  it('a key signs for its time, is believed for a while after it, then leaves the file', async () => {
    const keys = open();
    const first = await keys.current();
    time.ms += SIGNS_MS - 1;
    expect((await keys.current()).kid).toBe(first.kid);
    time.ms += 1;
    const second = await keys.current();
    expect(second.kid).not.toBe(first.kid);
    expect((await open().find(first.kid))?.kid).toBe(first.kid);
    time.ms += BELIEVED_MS;
    expect(await keys.find(first.kid)).toBeUndefined();
    expect((await keys.find(second.kid))?.kid).toBe(second.kid);
    time.ms += SIGNS_MS;
    await keys.current();
    expect(readFileSync(path, 'utf8')).not.toContain(first.kid);
  });

  it.each([
    ['not JSON', () => 'secret'],
    ['another key', (text: string) => text.replace(/("publicKey": ")../, '$100')],
    ['no list', () => '{"keys":{"secret":1}}'],
    ['no date', (text: string) => text.replace(/"createdMs": \d+/, '"createdMs": "x"')],
    ['too long', (text: string) => text + ' '.repeat(70_000)],
  ])('refuses a damaged file, %s, and leaves it as it is', async (_, damage) => {
    await open().current();
    const content = damage(readFileSync(path, 'utf8'));
    writeFileSync(path, content);
    expect(open).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(open).toThrow(/^(?!.*secret).*damaged/);
    expect(readFileSync(path, 'utf8')).toBe(content);
  });

  it('refuses a file that others may read', async () => {
    await open().current();
    chmodSync(path, 0o640);
    expect(open).toThrow(/chmod 600/);
  });
});
