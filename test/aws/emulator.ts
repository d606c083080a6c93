/** Starts the AWS emulator that the set-up has installed, one for whoever asks, with nothing in it. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PROGRAMS = join(import.meta.dirname, '..', '..', '.cache', 'venv-aws', 'bin');
const PROGRAM = join(PROGRAMS, 'ministack');
/** By its interpreter: the first line of a script in a venv names the folder that it was made in, which may have moved. */
const PYTHON = join(PROGRAMS, 'python3');
const START_MS = 30_000;
const STOP_MS = 5_000;

export interface Emulator {
  readonly endpoint: string;
  readonly region: string;
  /** A key of its own for each: the emulator keeps accounts apart by it. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  stop(): Promise<void>;
}

/** @throws {Error} that says what is not tested, when there is no emulator. */
export async function startEmulator(): Promise<Emulator> {
  const region = 'eu-central-1';
  const credentials = { accessKeyId: `test${randomBytes(8).toString('hex')}`, secretAccessKey: 'test' };
  const given = process.env.BROP_AWS_ENDPOINT_URL;
  if (given !== undefined) return { endpoint: given, region, credentials, stop: async () => {} };
  if (!existsSync(PROGRAM))
    throw new Error(
      `NOT TESTED against AWS: ${PROGRAM} is missing. Run \`node scripts/setup.mjs test\`, or set BROP_AWS_ENDPOINT_URL.`,
    );
  const state = mkdtempSync(join(tmpdir(), 'brop-aws-'));
  const port = await freePort();
  const child = spawn(PYTHON, [PROGRAM], {
    // A group of its own: some of its services are processes of their own.
    detached: true,
    stdio: 'ignore',
    cwd: state,
    env: {
      // Functions run on the first node of the PATH: the pinned one.
      PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
      ...{ HOME: state, TMPDIR: state, S3_DATA_DIR: join(state, 's3'), STATE_DIR: join(state, 'state') },
      ...{ BIND_HOST: '127.0.0.1', GATEWAY_PORT: String(port), SFTP_ENABLED: '0', IOT_MTLS_ENABLED: '0' },
    },
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-child.pid!, name);
    } catch {
      // It has ended by itself.
    }
  };
  const atExit = () => signal('SIGKILL');
  process.once('exit', atExit);
  const stop = async () => {
    process.off('exit', atExit);
    signal('SIGTERM');
    await Promise.race([ended, sleep(STOP_MS)]);
    signal('SIGKILL');
    await ended;
    rmSync(state, { recursive: true, force: true });
  };
  const endpoint = `http://127.0.0.1:${port}`;
  for (const until = Date.now() + START_MS; ; await sleep(100)) {
    if (child.exitCode !== null || Date.now() > until) {
      await stop();
      throw new Error(`the AWS emulator did not start on port ${port} (exit code ${child.exitCode})`);
    }
    const answers = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (answers) return { endpoint, region, credentials, stop };
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no free port');
  return address.port;
}
