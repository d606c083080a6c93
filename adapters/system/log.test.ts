import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from './log.ts';
import { FloodGate, PER_EVENT, PER_SUBJECT } from './log-flood.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brop-log-'));
  file = join(folder, 'node.log');
});
afterEach(() => rmSync(folder, { recursive: true }));
const text = () => readFileSync(file, 'utf8');
const lines = () =>
  text()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('secrets', () => {
  const names = ['key', 'privateKey', 'PRIVATE_KEY', 'apiToken', 'pin', 'Password', 'seed', 'authorization', 'd'];

  it('do not get in under their names, at any depth', () => {
    const log = createLog({ file });
    const places = fc.array(fc.constantFrom('a', 'b', 'list'), { maxLength: 6 });
    fc.assert(
      fc.property(places, fc.constantFrom(...names), (path, name) => {
        const secret = randomBytes(16).toString('hex');
        const nested = path.reduceRight<unknown>((inner, step) => (step === 'list' ? [inner] : { [step]: inner }), {
          [name]: secret,
          publicKey: 'shown',
        });
        log.error(`event ${secret.slice(0, 8)}`, { nested });
        expect(text()).not.toContain(secret);
      }),
    );
    expect(text()).toContain('"publicKey":"shown"');
  });

  it('do not get in as text: PEM, bearer tokens, passwords in URLs, in messages, errors and causes', () => {
    const exported = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    });
    const pem = String(exported).trim();
    const body = pem.split('\n')[1]!;
    const log = createLog({ file });
    log.error(`failed with ${pem}`, {
      reason: `read ${pem} and more`,
      error: new Error(`of ${pem}`, { cause: new Error(`inner ${pem}`) }),
      header: 'Authorization: Bearer abcdefgh12345678',
      url: 'https://user:hunter2hunter2@host/path',
      torn: pem.slice(0, 120),
    });
    expect(text()).not.toContain(body);
    expect(text()).not.toContain(body.slice(0, 40));
    expect(text()).not.toMatch(/abcdefgh12345678|hunter2/);
    expect(lines()[0]).toMatchObject({ reason: 'read [secret] and more', url: 'https://[secret]@host/path' });
  });

  it('do not get in as bytes: no byte array is ever written', () => {
    const bytes = randomBytes(32);
    createLog({ file }).info('an event', {
      bytes,
      nested: { list: [new Uint8Array(bytes)] },
      map: new Map([[1, bytes]]),
    });
    expect(lines()[0]).toMatchObject({ bytes: '[32 bytes]', nested: { list: ['[32 bytes]'] }, map: '[1 entries]' });
  });
});

describe('lines', () => {
  it('are one per event, bounded, whatever the fields are', () => {
    const endless: Record<string, unknown> = {};
    endless.self = endless;
    const log = createLog({ file });
    log.warn('an event', {
      long: 'x'.repeat(1_000_000),
      newline: 'a\nb',
      many: Array.from({ length: 10_000 }, (_, i) => i),
      endless,
      big: 2n ** 80n,
      nothing: undefined,
    });
    expect(text().split('\n')).toHaveLength(2);
    expect(text().length).toBeLessThan(10_000);
    expect(lines()[0]).toMatchObject({ newline: 'a\nb', big: String(2n ** 80n) });
  });

  it('keep the stack and the cause of an error', () => {
    createLog({ file }).error('an event', { error: new TypeError('outer', { cause: new Error('inner') }) });
    expect(lines()[0]).toMatchObject({
      error: {
        type: 'TypeError',
        message: 'outer',
        stack: expect.stringContaining('log.test.ts'),
        cause: { message: 'inner' },
      },
    });
  });
});

describe('floods', () => {
  it('of a peer are thinned out and counted; what others do is still seen', () => {
    const log = createLog({ file });
    for (let i = 0; i < 5_000; i++) log.warn('a peer sent garbage', { peer: 'liar', i });
    log.warn('a peer sent garbage', { peer: 'another' });
    log.warn('something else', { peer: 'liar' });
    expect(lines()).toHaveLength(PER_SUBJECT.burst + 2);
    expect(log.suppressed).toBe(5_000 - PER_SUBJECT.burst);
  });

  it('of ever new addresses are thinned out by event', () => {
    const log = createLog({ file });
    for (let i = 0; i < 20_000; i++) log.warn('connection refused', { address: `2001:db8::${i}` });
    expect(lines()).toHaveLength(PER_EVENT.burst);
  });

  it('say how many lines were left out, when there is room again', () => {
    let nowMs = 0;
    const gate = new FloodGate(() => nowMs);
    const enter = (times: number) => Array.from({ length: times }, () => gate.enter('event', 'peer'));
    expect(enter(PER_SUBJECT.burst + 7).filter((left) => left === null)).toHaveLength(7);
    nowMs += 60_000 / PER_SUBJECT.perMinute;
    expect(enter(2)).toEqual([7, null]);
    nowMs += 3_600_000;
    expect(enter(1)).toEqual([1]);
    expect(gate.suppressed).toBe(8);
  });

  it('never lets more through than its limits say, whoever sends what when', () => {
    const arrivals = fc.array(fc.tuple(fc.nat(3), fc.nat(20_000)), { minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(arrivals, (rows) => {
        let nowMs = 0;
        const gate = new FloodGate(() => nowMs);
        const through = [0, 0, 0, 0];
        for (const [peer, waitMs] of rows) {
          nowMs += waitMs;
          if (gate.enter('event', String(peer)) !== null) through[peer]! += 1;
        }
        const most = PER_SUBJECT.burst + (nowMs * PER_SUBJECT.perMinute) / 60_000;
        for (const count of through) expect(count).toBeLessThanOrEqual(most + 1e-6);
      }),
    );
  });

  it('are not thinned out at the level that somebody asked for', () => {
    const log = createLog({ file, level: 'debug' });
    for (let i = 0; i < 300; i++) log.debug('an event', { i });
    expect(lines()).toHaveLength(300);
  });
});
