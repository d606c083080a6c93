import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { generateKeyPair } from '../../node-core/crypto/generate.ts';
import type { SuiteName } from '../../node-core/crypto/provider.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import type { SignatureCheck, SignatureVerifier } from '../../node-core/ports/signature-verifier.ts';
import { nativeSigner } from '../crypto-native/native.ts';
import { isPackable, pack, packedBytes, unpack } from './packing.ts';
import { type SignatureWorkersOptions, startSignatureWorkers } from './signature-workers.ts';

const SUITES: readonly SuiteName[] = ['p256', 'ed25519', 'sm2'];
const keys = SUITES.map((suite) => {
  const { publicKey, secretKey } = generateKeyPair(suite, randomBytes);
  return { publicKey, sign: nativeSigner(suite, secretKey) };
});

/** `count` checks over the suites, of which those at odd places are spoilt. */
function makeChecks(
  count: number,
  suites: readonly number[] = [0, 1],
): { checks: SignatureCheck[]; expected: boolean[] } {
  const expected = Array.from({ length: count }, (_, i) => i % 2 === 0);
  const checks = expected.map((valid, i) => {
    const { publicKey, sign } = keys[suites[i % suites.length]!]!;
    const message = randomBytes(1 + (i % 100));
    const signature = sign(message);
    if (!valid) signature[40]! ^= 1;
    return { key: publicKey, message, signature };
  });
  return { checks, expected };
}

const open: SignatureVerifier[] = [];
function start(options?: SignatureWorkersOptions): SignatureVerifier {
  const verifier = startSignatureWorkers(options);
  open.push(verifier);
  return verifier;
}

const folder = mkdtempSync(join(tmpdir(), 'brop-workers-'));
afterAll(async () => {
  await Promise.all(open.map((verifier) => verifier.close()));
  rmSync(folder, { recursive: true, force: true });
});

/** A thread program that dies as the code says, and else does the real work. */
function workerThat(name: string, code: string): URL {
  const real = new URL('./worker.ts', import.meta.url).href;
  const path = join(folder, `${name}.mjs`);
  const imports = `import { existsSync, writeFileSync } from 'node:fs'; import { parentPort } from 'node:worker_threads';`;
  writeFileSync(
    path,
    `${imports}\nconst mark = ${JSON.stringify(join(folder, `${name}.mark`))};\n${code}\nawait import(${JSON.stringify(real)});\n`,
  );
  return pathToFileURL(path);
}

describe.each([1, 3])('%i workers', (workers) => {
  test('answer in order, over all suites and sizes of call', async () => {
    const verifier = start({ workers });
    for (const count of [0, 1, 2, 7, 64, 65, 200]) {
      const { checks, expected } = makeChecks(count, [0, 1, 2]);
      expect(await verifier.verify(checks)).toEqual(expected);
    }
  });

  test('many calls at once each get their own answers', async () => {
    const verifier = start({ workers });
    const calls = Array.from({ length: 60 }, (_, i) => makeChecks(i % 9));
    const answers = await Promise.all(calls.map(({ checks }) => verifier.verify(checks)));
    expect(answers).toEqual(calls.map(({ expected }) => expected));
  });
});

test('keys and signatures of wrong lengths are answered false among others', async () => {
  const { checks } = makeChecks(4);
  const [a, b] = [checks[0]!, checks[2]!];
  const wrong = [
    a,
    { ...a, signature: a.signature.subarray(1) },
    { ...a, key: { ...a.key, bytes: a.key.bytes.subarray(1) } },
    { ...a, signature: new Uint8Array(0) },
    b,
  ];
  expect(await start().verify(wrong)).toEqual([true, false, false, false, true]);
  expect(await start().verify(wrong.slice(1, 4))).toEqual([false, false, false]);
});

test('a worker that dies once is replaced and its job run again', async () => {
  const workerUrl = workerThat(
    'once',
    `parentPort.on('message', () => { if (!existsSync(mark)) { writeFileSync(mark, ''); process.exit(3); } });`,
  );
  const { checks, expected } = makeChecks(300);
  expect(await start({ workers: 2, workerUrl }).verify(checks)).toEqual(expected);
});

test('a worker that throws is replaced too', async () => {
  const workerUrl = workerThat(
    'throws',
    `parentPort.on('message', () => { if (!existsSync(mark)) { writeFileSync(mark, ''); throw new Error('worker'); } });`,
  );
  const { checks, expected } = makeChecks(130);
  expect(await start({ workerUrl }).verify(checks)).toEqual(expected);
});

test('when workers always die, or cannot even start, the answers still come', async () => {
  const { checks, expected } = makeChecks(100);
  const dies = workerThat('dies', `parentPort.on('message', () => process.exit(3));`);
  expect(await start({ workerUrl: dies }).verify(checks)).toEqual(expected);
  const missing = pathToFileURL(join(folder, 'missing.mjs'));
  expect(await start({ workers: 2, workerUrl: missing }).verify(checks)).toEqual(expected);
});

test('a full queue refuses further calls, and takes them again when it has room', async () => {
  const verifier = start({ maxQueuedChecks: 100 });
  const large = makeChecks(150);
  const first = verifier.verify(large.checks); // Larger than the queue, but alone.
  await expect(verifier.verify(makeChecks(1).checks)).rejects.toMatchObject({ code: 'overloaded' });
  expect(await first).toEqual(large.expected);
  expect(await verifier.verify(makeChecks(2).checks)).toEqual([true, false]);
});

test('close while results are on their way harms nobody', async () => {
  const verifier = startSignatureWorkers();
  const check = {
    key: { suite: 'p256' as const, bytes: new Uint8Array(65) },
    message: new Uint8Array(32),
    signature: new Uint8Array(64),
  };
  const refused = expect(verifier.verify(Array.from({ length: 500 }, () => check))).rejects.toMatchObject({
    code: 'closed',
  });
  // The thread answers while this one is busy, so that its messages wait in the port.
  const until = performance.now() + 300;
  while (performance.now() < until);
  await verifier.close();
  await refused;
});

test('close refuses what waits and what comes later, and may be called twice', async () => {
  const verifier = start();
  const waiting = verifier.verify(makeChecks(2000).checks);
  const refused = expect(waiting).rejects.toMatchObject({ code: 'closed' });
  await verifier.close();
  await verifier.close();
  await refused;
  await expect(verifier.verify([])).rejects.toMatchObject({ code: 'closed' });
});

test('a job goes through packing unchanged', () => {
  const check = fc.record({
    key: fc.constantFrom(...keys.map(({ publicKey }) => publicKey)),
    message: fc.uint8Array({ maxLength: 300 }),
    signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
  });
  fc.assert(
    fc.property(fc.array(check, { maxLength: 10 }), (checks) => {
      expect(checks.every(isPackable)).toBe(true);
      const packed = pack(checks);
      expect(packed.length).toBe(checks.reduce((sum, one) => sum + packedBytes(one), 0));
      expect(unpack(packed)).toEqual(checks);
    }),
  );
});

test('the answers are those of pureCrypto', async () => {
  const { checks } = makeChecks(20, [0, 1, 2]);
  const pure = checks.map(({ key, message, signature }) => pureCrypto.verify(key, message, signature));
  expect(await start().verify(checks)).toEqual(pure);
});
