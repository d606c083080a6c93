import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../node-core/codec/bytes.ts';
import { StoreError, type StoreErrorCode } from '../../node-core/ports/key-value-store.ts';
import { startChild } from '../../test/conformance/children/child.ts';
import { seeded } from '../../test/conformance/seeded.ts';
import { openLmdbStore } from './store.ts';

const HOLDER = new URL('../../test/conformance/children/lmdb-holder.ts', import.meta.url);
const END = new Uint8Array(512).fill(0xff);
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brop-lmdb-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const refusedAs = (code: StoreErrorCode, pattern = /./) =>
  expect.toSatisfy(
    (error: unknown) => error instanceof StoreError && error.code === code && pattern.test(error.message),
  );

async function fill(entries: number, valueBytes = 200): Promise<void> {
  const store = await openLmdbStore({ folder });
  const random = seeded(entries);
  const batch = Array.from({ length: entries }, (_, n) => ({
    key: Uint8Array.from({ length: 32 }, () => random(256)),
    value: new Uint8Array(n % 50 === 0 ? 20_000 : valueBytes).fill(n),
  }));
  await store.write(batch);
  await store.close();
}

describe('one writer', () => {
  it('refuses a second opening in the same process, until the first is closed', async () => {
    const store = await openLmdbStore({ folder });
    await expect(openLmdbStore({ folder })).rejects.toThrow(refusedAs('locked', new RegExp(`process ${process.pid}`)));
    await store.close();
    await (await openLmdbStore({ folder })).close();
  });

  it('refuses while another process has the folder open, and opens once that one was killed with SIGKILL', async () => {
    const holder = startChild(HOLDER, folder);
    expect(await holder.line(() => true)).toBe('open');
    await expect(openLmdbStore({ folder })).rejects.toThrow(
      refusedAs('locked', new RegExp(`in use by process ${holder.process.pid}: stop it or`)),
    );
    await holder.end('SIGKILL');
    await (await openLmdbStore({ folder })).close();
  });

  it('lets exactly one of four processes that start together have the folder', async () => {
    const children = Array.from({ length: 4 }, () => startChild(HOLDER, folder));
    const answers = await Promise.all(children.map((child) => child.line(() => true)));
    expect(answers.sort()).toEqual(['locked', 'locked', 'locked', 'open']);
    await Promise.all(children.map((child) => child.end()));
  });
});

describe('damage', () => {
  const data = () => join(folder, 'data.mdb');
  const refuses = async (pattern: RegExp) =>
    expect(openLmdbStore({ folder })).rejects.toThrow(refusedAs('corrupt', pattern));

  it('refuses a file cut off at any of its pages, or anywhere in between', async () => {
    await fill(400);
    const { size } = statSync(data());
    copyFileSync(data(), `${data()}.good`);
    for (const left of [1, 4096, 8191, 8192, 8193, 20_000, size / 2, size - 4096 * 3, size - 1]) {
      copyFileSync(`${data()}.good`, data());
      truncateSync(data(), left);
      await refuses(left < 8192 ? /ends at head|damaged/ : /cut off|missing/);
    }
  });

  it('refuses a file that is empty or gone although the folder has been in use', async () => {
    await fill(10);
    truncateSync(data(), 0);
    await refuses(/is empty, but/);
    rmSync(data());
    await refuses(/is missing, but/);
  });

  it('refuses overwritten heads, heads of different times, and files that are not of LMDB', async () => {
    await fill(100);
    const good = readFileSync(data());
    for (const offset of [24, 28, 48, 152, 4096 + 18, 4096 + 24, 4096 + 152]) {
      const bad = Buffer.from(good);
      bad[offset]! ^= 0x04;
      writeFileSync(data(), bad);
      await refuses(/head|format|page size/);
    }
    writeFileSync(data(), 'not a database '.repeat(1_000));
    await refuses(/not one of LMDB/);
  });

  it('refuses or reads on, but never crashes, when pages are overwritten (200 cases, seed 5)', async () => {
    await fill(600);
    const good = readFileSync(data());
    const random = seeded(5);
    let refused = 0;
    for (let round = 0; round < 200; round++) {
      const bad = Buffer.from(good);
      const page = 2 + random(good.length / 4096 - 2);
      const start = page * 4096 + (round % 2 === 0 ? 0 : random(200));
      const length = round % 2 === 0 ? 4096 : 1 + random(20);
      for (let i = 0; i < length; i++) bad[start + i] = random(256);
      writeFileSync(data(), bad);
      try {
        const store = await openLmdbStore({ folder });
        for (const { value } of store.range(new Uint8Array(0), END)) value.at(-1);
        await store.close();
      } catch (error) {
        expect(error).toEqual(refusedAs('corrupt'));
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(60);
  });

  it('opens a sound file whose last, freed pages were never written', async () => {
    const store = await openLmdbStore({ folder });
    const random = seeded(11);
    const live: Uint8Array[] = [];
    let short = false;
    for (let n = 0; n < 300 && !short; n++) {
      const puts = Array.from({ length: 1 + random(5) }, () => ({
        key: Uint8Array.from({ length: 32 }, () => random(256)),
        value: new Uint8Array(random(20_000)),
      }));
      const deletes = live.splice(0, live.length - 3).map((key) => ({ key, value: null }));
      live.push(...puts.map(({ key }) => key));
      await store.write([...puts, ...puts.slice(1).map(({ key }) => ({ key, value: null })), ...deletes]);
      const heads = readFileSync(data()).subarray(0, 8192);
      const newest = heads.readUInt32LE(152) > heads.readUInt32LE(4096 + 152) ? 0 : 4096;
      short = statSync(data()).size < (heads.readUInt32LE(newest + 144) + 1) * 4096;
    }
    expect(short, 'the test no longer makes a short file').toBe(true);
    await store.close();
    await (await openLmdbStore({ folder })).close();
  });

  it('refuses a folder that holds something else', async () => {
    await fill(1);
    writeFileSync(join(folder, 'FORMAT'), 'brop key-value store 9\n');
    await refuses(/holds "brop key-value store 9", not/);
  });

  it('starts anew when the first start was killed before the data file was whole', async () => {
    mkdirSync(folder, { recursive: true });
    appendFileSync(data(), new Uint8Array(4096));
    const store = await openLmdbStore({ folder });
    await store.write([{ key: utf8('k'), value: utf8('v') }]);
    await store.close();
  });
});

// A limit on the size of files stands in for a full disk: it needs no root, and write(2) fails at the same places.
it.skipIf(process.platform === 'win32')(
  'refuses with "full" when the disk is, keeps what it had, and stays so until reopened',
  () => {
    const script = fileURLToPath(new URL('../../test/conformance/children/lmdb-filler.ts', import.meta.url));
    const output = execFileSync(
      'bash',
      ['-c', 'trap "" XFSZ; ulimit -f 2000; exec "$0" "$@"', process.execPath, script, folder],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    const result = JSON.parse(output.toString()) as Record<string, number | string>;
    const entries = (result.written as number) * 100;
    expect(entries).toBeGreaterThan(1_000);
    expect(result).toMatchObject({ readable: entries, kept: entries });
    expect([result.refusal, result.next]).toEqual([result.next, result.refusal]);
    expect(result.refusal).toMatch(/^(full|io)$/);
  },
);

it('says which folder the system refused', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expect(openLmdbStore({ folder: join(folder, 'file', 'chain') })).rejects.toThrow(
    refusedAs('io', /opening the store in .*chain failed: ENOTDIR/),
  );
});
