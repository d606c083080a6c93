import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from './clock.ts';
import { createLog } from './log.ts';
import { systemRandom } from './random.ts';

describe('clock', () => {
  it('shows the time of the machine', () => {
    const before = Date.now();
    const shown = systemClock.now();
    expect([before <= shown, shown <= Date.now()]).toEqual([true, true]);
  });

  it('runs an action once after its delay, and not when it was cancelled', async () => {
    const ran: string[] = [];
    const start = performance.now();
    const cancel = systemClock.schedule(10, () => ran.push('cancelled'));
    systemClock.schedule(20, () => ran.push('run'));
    cancel();
    await new Promise<void>((done) => systemClock.schedule(50, done));
    expect(ran).toEqual(['run']);
    expect(performance.now() - start).toBeGreaterThanOrEqual(49);
    cancel();
  });

  it('refuses delays that setTimeout would turn into none', () => {
    expect(() => systemClock.schedule(2 ** 31, () => {})).toThrow(RangeError);
    expect(() => systemClock.schedule(Number.NaN, () => {})).toThrow(RangeError);
  });
});

it('random gives as many bytes as asked for, different each time', () => {
  expect(systemRandom.bytes(0).length).toBe(0);
  expect(systemRandom.bytes(32).length).toBe(32);
  expect(systemRandom.bytes(32)).not.toEqual(systemRandom.bytes(32));
});

describe('log', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'brop-log-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const lines = (file: string) =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('writes one JSON object a line, with level, time, message and fields, and appends', () => {
    const file = join(folder, 'logs', 'node.log');
    createLog({ file, fields: { node: 'v1' } }).info('block decided', { height: 7 });
    createLog({ file }).error('failed', { error: new Error('why') });
    const [first, second] = lines(file);
    expect(first).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      node: 'v1',
      message: 'block decided',
      height: 7,
    });
    expect(second).toMatchObject({
      level: 'error',
      message: 'failed',
      error: { message: 'why', stack: expect.any(String) },
    });
  });

  it('leaves out what is below its level', () => {
    const file = join(folder, 'node.log');
    const log = createLog({ file, level: 'warn' });
    log.debug('a');
    log.info('b');
    log.warn('c');
    expect(lines(file).map(({ message }) => message)).toEqual(['c']);
  });

  it('blanks fields that are named like secrets, also one level down', () => {
    const file = join(folder, 'node.log');
    createLog({ file }).warn('start', {
      pin: '1234',
      signer: { privateKey: 'abc', suite: 'p256' },
      publicKey: 'shown',
    });
    expect(lines(file)[0]).toMatchObject({
      pin: '[secret]',
      signer: { privateKey: '[secret]', suite: 'p256' },
      publicKey: 'shown',
    });
  });

  it('has written its last line when the process exits, to standard output', () => {
    const module = fileURLToPath(new URL('log.ts', import.meta.url));
    const script = `import { createLog } from ${JSON.stringify(module)}; createLog().error('last words'); process.exit(1);`;
    let output = '';
    try {
      execFileSync(process.execPath, ['--input-type=module', '-e', script]);
    } catch (error) {
      output = String((error as { stdout: Buffer }).stdout);
    }
    expect(JSON.parse(output)).toMatchObject({ level: 'error', message: 'last words' });
  });
});
