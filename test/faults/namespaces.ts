/**
 * Each node in a network namespace of its own, each pair of nodes joined by a cable of its own (veth), and each node
 * by one to us. A cut link drops the packets of one direction (the qdisc "blackhole"), so that TCP itself has to cope.
 */
import { execFileSync } from 'node:child_process';
import type { Network } from './network.ts';

const OURS = '10.99.0.250';
const addressOf = (node: number) => `10.99.0.${node + 1}`;
const spaceOf = (node: number) => `brop-${node}`;
const cable = (to: number) => `to-${to}`;

function run(...words: readonly string[]): void {
  const [command, ...rest] = words;
  try {
    execFileSync(command!, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`${words.join(' ')}: ${String((error as { stderr?: unknown }).stderr ?? error).trim()}`);
  }
}

/** To be called inside a sandbox (sandbox.ts): there is nothing to take down. */
export function namespaces(nodes: number): Network {
  // ip(8) keeps names of namespaces below /run; ours must not meet those of the machine.
  run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'brop', '/run');
  run('ip', 'link', 'set', 'lo', 'up');
  run('ip', 'address', 'add', `${OURS}/32`, 'dev', 'lo');
  for (let node = 0; node < nodes; node++) addSpace(node);
  for (let node = 0; node < nodes; node++) {
    for (let other = node + 1; other < nodes; other++) join(node, other);
  }
  const touched = new Set<string>();
  const shape = async (from: number, to: number, ...qdisc: readonly string[]) => {
    touched.add(`${from} ${to}`);
    run('tc', '-n', spaceOf(from), 'qdisc', 'replace', 'dev', cable(to), 'root', ...qdisc);
  };
  return {
    name: 'network namespaces',
    hostOf: addressOf,
    dialled: (_, to, port) => ({ host: addressOf(to), port }),
    prefixOf: (node) => ['nsenter', `--net=/run/netns/${spaceOf(node)}`],
    cut: (from, to) => shape(from, to, 'blackhole'),
    slow: (from, to) => shape(from, to, 'tbf', 'rate', '500kbit', 'burst', '16kb', 'latency', '400ms'),
    mend: async () => {
      for (const link of touched) {
        const [from, to] = link.split(' ').map(Number) as [number, number];
        run('tc', '-n', spaceOf(from), 'qdisc', 'del', 'dev', cable(to), 'root');
      }
      touched.clear();
    },
    close: async () => {},
  };
}

function addSpace(node: number): void {
  const space = spaceOf(node);
  const host = `host-${node}`;
  run('ip', 'netns', 'add', space);
  run('ip', '-n', space, 'link', 'set', 'lo', 'up');
  run('ip', '-n', space, 'address', 'add', `${addressOf(node)}/32`, 'dev', 'lo');
  run('ip', 'link', 'add', host, 'type', 'veth', 'peer', 'name', 'to-us', 'netns', space);
  run('ip', 'link', 'set', host, 'up');
  run('ip', '-n', space, 'link', 'set', 'to-us', 'up');
  run('ip', 'route', 'add', `${addressOf(node)}/32`, 'dev', host, 'src', OURS);
  run('ip', '-n', space, 'route', 'add', `${OURS}/32`, 'dev', 'to-us', 'src', addressOf(node));
}

function join(a: number, b: number): void {
  run(
    ...['ip', '-n', spaceOf(a), 'link', 'add', cable(b), 'type', 'veth'],
    ...['peer', 'name', cable(a), 'netns', spaceOf(b)],
  );
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    run('ip', '-n', spaceOf(from), 'link', 'set', cable(to), 'up');
    const way = ['route', 'add', `${addressOf(to)}/32`, 'dev', cable(to), 'src', addressOf(from)];
    run('ip', '-n', spaceOf(from), ...way);
  }
}
