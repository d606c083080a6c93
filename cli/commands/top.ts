import type { Arguments, Command, Output } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { PROFILE_OPTIONS } from '../home.ts';
import { render } from '../top/render.ts';
import { type NodeRow, rowOf, type Target } from '../top/rows.ts';
import { type Scrape, scrape } from '../top/scrape.ts';
import { openScreen } from '../top/screen.ts';
import { targetsOf } from '../top/targets.ts';

const WIDTH_OFF_A_TERMINAL = 200;

export const top: Command = {
  name: 'top',
  usage: '[--url <url,…>] [--once] [--json]',
  summary: 'Shows nodes live: heights, rounds, rates, peers, memory.',
  help: `
Without --url the nodes of the devnet are shown. A URL is that of a node's API, or of its "metrics"
in the config: both serve /metrics. On a terminal the picture is renewed until q is pressed; elsewhere
a table is printed per interval. Rates are those since the last look. States: ok, behind (others have
blocks that it lacks), stalled (no block for 30 s), down (no answer). Exit code 0 when a node answers,
3 when none does.

  brop top
  brop top --once --json
  brop top --url http://10.0.0.1:9464,http://10.0.0.2:9464`,
  options: {
    ...PROFILE_OPTIONS,
    url: { type: 'string', value: 'url,…', help: 'URLs of nodes, with commas between' },
    data: { type: 'string', value: 'folder', help: 'folder of the devnet; default .brop/devnet' },
    interval: { type: 'string', value: 'seconds', help: 'from one look to the next, 0.2 to 60; default 1' },
    once: { type: 'boolean', help: 'look twice, print once and end' },
  },
  positionals: [0, 0],
  run: async (args, out) => {
    const targets = targetsOf(args);
    const watch = new Watch(targets);
    const intervalMs = intervalOf(args);
    const interrupted = new Promise<void>((done) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
    });
    if (args.flag('once')) return once(watch, intervalMs, interrupted, out);
    const isLive = process.stdout.isTTY === true && !out.json;
    await (isLive ? live(watch, intervalMs, interrupted, out) : printed(watch, intervalMs, interrupted, out));
    return exit.ok;
  },
};

/** The nodes and what they said when they were last looked at. */
class Watch {
  private readonly targets: readonly Target[];
  private before: readonly (Scrape | null)[] = [];

  constructor(targets: readonly Target[]) {
    this.targets = targets;
  }

  async look(): Promise<readonly NodeRow[]> {
    const now = await Promise.all(this.targets.map(({ url }) => scrape(url)));
    const rows = this.targets.map((target, i) => rowOf(target, now[i]!, this.before[i] ?? null));
    this.before = now;
    return rows;
  }
}

function intervalOf(args: Arguments): number {
  const seconds = Number(args.text('interval') ?? '1');
  if (!(seconds >= 0.2 && seconds <= 60)) throw new ExitError(exit.usage, '--interval is a number from 0.2 to 60');
  return seconds * 1_000;
}

async function once(watch: Watch, intervalMs: number, interrupted: Promise<void>, out: Output): Promise<number> {
  await watch.look();
  if (await passed(intervalMs, interrupted)) return exit.interrupted;
  const rows = await watch.look();
  print(rows, out);
  return rows.every(({ state }) => state === 'down') ? exit.nodeUnreachable : exit.ok;
}

async function printed(watch: Watch, intervalMs: number, interrupted: Promise<void>, out: Output): Promise<void> {
  do print(await watch.look(), out);
  while (!(await passed(intervalMs, interrupted)));
}

function print(rows: readonly NodeRow[], out: Output): void {
  // `line` lets nothing through that steers a terminal, colours included.
  for (const line of render(rows, { colour: false, width: WIDTH_OFF_A_TERMINAL })) out.line(line);
  out.result({ ok: rows.some(({ state }) => state !== 'down'), nodes: rows });
}

async function live(watch: Watch, intervalMs: number, interrupted: Promise<void>, out: Output): Promise<void> {
  const screen = openScreen(process.stdin, process.stdout);
  const end = Promise.race([screen.left, interrupted]);
  let rows: readonly NodeRow[] = [];
  const draw = () => {
    const head = `brop top  ${new Date().toISOString().slice(11, 19)} UTC  q quits`.slice(0, screen.width);
    screen.show([head, '', ...render(rows, { colour: out.colour, width: screen.width })]);
  };
  screen.onResize(draw);
  try {
    do {
      const looked = await Promise.race([watch.look(), end]);
      if (looked === undefined) return;
      rows = looked;
      draw();
    } while (!(await passed(intervalMs, end)));
  } finally {
    screen.close();
  }
}

/** Waits; true when somebody wants to end before the time is over. */
async function passed(ms: number, end: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const isOver = await Promise.race([end.then(() => true), time]);
  clearTimeout(timer);
  return isOver;
}
