/**
 * Namespaces of Linux (unshare(1)): a network, mounts and process numbers that only this run sees, and that the kernel
 * takes away when the run is over, however it ends. Works as root, and for others where user namespaces are allowed.
 */
import { spawn, spawnSync } from 'node:child_process';

const INSIDE = 'BROP_FAULTS_INSIDE';
const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** Does once all that a run needs. */
const PROBE = [
  'mount -t tmpfs -o size=1m brop /run',
  'ip netns add brop-probe',
  'ip link add brop-a type veth peer name brop-b',
  'ip link set brop-b netns brop-probe',
  'tc qdisc replace dev brop-a root blackhole',
  'tc qdisc replace dev brop-a root tbf rate 1mbit burst 10kb latency 100ms',
].join(' && ');

export function isInside(): boolean {
  return process.env[INSIDE] === '1';
}

/** The words that start a program in namespaces of its own, or null where that is not possible. */
export function findSandbox(): readonly string[] | null {
  const candidates = [NAMESPACES, ['--user', '--map-root-user', ...NAMESPACES]];
  const works = (flags: readonly string[]) =>
    spawnSync('unshare', [...flags, 'sh', '-c', PROBE], { stdio: 'ignore' }).status === 0;
  const flags = process.platform === 'linux' ? candidates.find(works) : undefined;
  return flags === undefined ? null : ['unshare', ...flags];
}

/** Runs this program again inside, with the same arguments; its exit code. Signals are passed on as an end in order. */
export function runInside([command, ...flags]: readonly string[]): Promise<number> {
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn(command!, [...flags, ...again], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [INSIDE]: '1' },
  });
  // The one inside takes a lost connection as the wish to end; so it does when this process is killed.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (child.connected) child.disconnect();
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
