/** The command line of the fault runs. What they do and how to read them: README.md beside this file. */
import { parseArgs } from 'node:util';
import { KINDS, type Kind } from './plan.ts';
import { type Outcome, run } from './run.ts';
import { findSandbox, isInside, runInside } from './sandbox.ts';

const USAGE = `usage: npm run faults -- [--minutes M] [--seed N] [--kinds A,B] [--rate R] [--proxies] [--keep] [--json]

Four validators and a follower as real processes under load, and a schedule of faults drawn from a seed.

--minutes M  how long faults come (default 2); "once": until each kind has come once
--seed N     the schedule (default: a new one, which is said)
--kinds A,B  only these kinds of ${KINDS.join(', ')}
--rate R     transactions a second (default 60)
--proxies    put TCP proxies between the nodes, even where network namespaces are to be had; no full disk then
--keep       keep the folder with logs and stores, as a failing run does
--json       one JSON line on standard output at the end as well
Exit code: 0 when all passed, 1 otherwise, 2 wrong usage, 130 when it was interrupted.
`;

interface Options {
  readonly minutes: number | null;
  readonly seed: number;
  readonly kinds: readonly Kind[];
  readonly perSecond: number;
  readonly wantsProxies: boolean;
  readonly keeps: boolean;
  readonly isJson: boolean;
}

class WrongUsage extends Error {}

const say = (line: string) => process.stderr.write(`${line}\n`);

function readFlags() {
  try {
    const options = {
      minutes: { type: 'string', default: '2' },
      seed: { type: 'string' },
      kinds: { type: 'string' },
      rate: { type: 'string', default: '60' },
      proxies: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    } as const;
    return parseArgs({ options }).values;
  } catch (error) {
    throw new WrongUsage(error instanceof Error ? error.message : String(error));
  }
}

function readOptions(): Options | null {
  const values = readFlags();
  if (values.help) return null;
  const kinds = values.kinds?.split(',') ?? KINDS;
  for (const kind of kinds) {
    if (!(KINDS as readonly string[]).includes(kind)) throw new WrongUsage(`--kinds: there is no "${kind}"`);
  }
  return {
    minutes: values.minutes === 'once' ? null : positive('minutes', values.minutes),
    seed: values.seed === undefined ? Math.floor(Math.random() * 1e6) : Math.floor(positive('seed', values.seed)),
    kinds: kinds as readonly Kind[],
    perSecond: positive('rate', values.rate),
    wantsProxies: values.proxies,
    keeps: values.keep,
    isJson: values.json,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (text === '' || !(value > 0 && value <= 1e9))
    throw new WrongUsage(`--${name} takes a number above 0, not "${text}"`);
  return value;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (!isInside() && !options.wantsProxies) {
    const sandbox = findSandbox();
    // The seed is drawn here, so that it is said once.
    if (sandbox !== null) return runInside(sandbox);
  }
  return play(options);
}

async function play(options: Options): Promise<number> {
  const { seed, minutes, perSecond, keeps } = options;
  const kinds = isInside() ? options.kinds : options.kinds.filter((kind) => kind !== 'full-disk');
  if (kinds.length < options.kinds.length) say('NOT TESTED: full disk (it needs unshare(1) and the right to mount)');
  if (!isInside()) say('NOT TESTED: network namespaces (TCP proxies cut the links instead)');
  const replay = `npm run faults -- --seed ${seed} ${flagsOf(options)}`;
  say(`seed ${seed}, ${perSecond} transactions a second; again: ${replay}`);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  for (const event of ['SIGINT', 'SIGTERM', 'disconnect'] as const) process.on(event, interrupt);
  const { signal } = interrupted;
  const outcome = await run({ seed, minutes, kinds, perSecond, keeps, isInside: isInside(), say, signal });
  if (interrupted.signal.aborted) return 130;
  return report(outcome, options, replay);
}

function flagsOf({ minutes, kinds, wantsProxies }: Options): string {
  const flags = [`--minutes ${minutes ?? 'once'}`];
  if (kinds.length < KINDS.length) flags.push(`--kinds ${kinds.join(',')}`);
  if (wantsProxies) flags.push('--proxies');
  return flags.join(' ');
}

function report(outcome: Outcome, { seed, minutes, kinds, isJson }: Options, replay: string): number {
  const { checks, faults, rejoins, kept } = outcome;
  const missing = kinds.filter((kind) => !faults.some((fault) => fault.kind === kind));
  if (missing.length > 0) say(`NOT TESTED in this run: ${missing.join(', ')}`);
  const failed = checks.filter(({ failure }) => failure !== null);
  for (const { name, failure } of failed) say(`FAILED ${name}: ${failure}`);
  if (failed.length > 0) say(`replay it with: ${replay}`);
  if (kept !== null) say(`logs and stores are in ${kept}`);
  const back = rejoins.filter(({ kind }) => kind === 'kill').map(({ inStepMs }) => inStepMs);
  const figures = {
    minutes: minutes ?? 'once',
    seed,
    faults: faults.length,
    kills: outcome.kills,
    blocks: outcome.blocks,
    acknowledged: outcome.acknowledged,
    longest_gap_ms: outcome.longestGapMs,
    recovery_ms: outcome.longestRecoveryMs,
    rejoin_ms: Math.max(0, ...back),
    slowest_receipt_ms: outcome.slowestReceiptMs,
    max_rss_mb: outcome.maxMemoryMb,
    seconds: Math.round(outcome.seconds),
  };
  const row = Object.entries(figures).map(([name, value]) => `${name}=${value}`);
  process.stdout.write(`faults ${row.join(' ')} network=${outcome.networkName.replace(' ', '-')}\n`);
  if (isJson) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  process.stdout.write(`${checks.length - failed.length} passed, ${failed.length} failed\n`);
  return failed.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`faults: ${error instanceof Error ? error.message : error}`);
  process.exitCode = error instanceof WrongUsage ? 2 : 1;
}
if (process.connected) process.disconnect();
