/** The simulator's command line. What it does and how to read it: README.md beside this file. */
import { parseArgs } from 'node:util';
import { MUTATIONS, runMutation } from './mutations.ts';
import { runScenarios } from './pool.ts';
import { scenarioOf } from './scenario.ts';
import { type Outcome, simulate } from './simulate.ts';

const USAGE = `usage: npm run sim -- [--seeds N] [--from S] [--seed S] [--mutation NAME] [--verbose] [--json]

Runs whole nodes under virtual time, with faults and liars drawn from a seed, and checks what must always hold.

--seeds N        run N seeds (default 50)
--from S         the first of them (default 1)
--seed S         run this seed alone, in this process, and say more
--mutation NAME  break the product on purpose in a copy of the tree, and count the seeds that notice; "all" for each
                 of: ${Object.keys(MUTATIONS).join(', ')}
--verbose        with --seed: everything that the nodes log
--json           one JSON line per seed on standard output, and a last one with the totals
Exit code: 0 when all passed (with --mutation: when it was found), 1 otherwise, 2 wrong usage.
`;

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly mutation?: string;
  readonly isVerbose: boolean;
  readonly isJson: boolean;
}

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '50' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      mutation: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  return {
    seeds: wholeNumber('seeds', values.seeds),
    from: wholeNumber('from', values.from),
    ...(values.seed !== undefined && { seed: wholeNumber('seed', values.seed) }),
    ...(values.mutation !== undefined && { mutation: values.mutation }),
    isVerbose: values.verbose,
    isJson: values.json,
  };
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} takes a whole number, not "${text}"`);
  return Number(text);
}

function describe(outcome: Outcome): string {
  const { seed, height, rounds, events, virtualMs, trace } = outcome;
  const { validators, liars } = scenarioOf(seed);
  const who = `${validators} validators${liars.length > 0 ? `, liars ${liars.join(' and ')}` : ''}`;
  return `seed ${seed}: ${who}; ${height} heights, round ${rounds} at most, ${events} events in ${Math.round(virtualMs / 1_000)} s, trace ${trace}`;
}

function showFailures({ seed, failures }: Outcome): void {
  for (const { check, message, atMs } of failures.slice(0, 5)) {
    process.stderr.write(`\nFAILED seed ${seed} at ${atMs} ms: ${check}: ${message}\n`);
  }
  process.stderr.write(`replay it with: npm run sim -- --seed ${seed}\n`);
}

async function runOne(seed: number, { isVerbose, isJson }: Options): Promise<number> {
  const outcome = await simulate(scenarioOf(seed), { verbose: isVerbose });
  if (isJson) console.log(JSON.stringify(outcome));
  else {
    console.log(describe(outcome));
    for (const [what, count] of Object.entries(outcome.counts)) console.log(`  ${String(count).padStart(6)} ${what}`);
  }
  return finish([outcome], isJson);
}

async function runMany({ seeds, from, isJson }: Options): Promise<number> {
  const outcomes: Outcome[] = [];
  const startMs = Date.now();
  let shownMs = startMs;
  await runScenarios(
    Array.from({ length: seeds }, (_, i) => scenarioOf(from + i)),
    (outcome) => {
      outcomes.push(outcome);
      if (isJson) console.log(JSON.stringify(outcome));
      if (outcome.failures.length > 0) showFailures(outcome);
      if (Date.now() - shownMs < 5_000 || outcomes.length === seeds) return;
      shownMs = Date.now();
      const perMinute = Math.round((outcomes.length * 60_000) / (shownMs - startMs));
      process.stderr.write(`${outcomes.length} of ${seeds} seeds, ${perMinute} a minute\n`);
    },
  );
  return finish(outcomes, isJson);
}

/** The last line is for scripts. */
function finish(outcomes: readonly Outcome[], isJson: boolean): number {
  const failed = outcomes.filter(({ failures }) => failures.length > 0);
  const [only] = outcomes;
  if (outcomes.length === 1 && only !== undefined && failed.length > 0) showFailures(only);
  const passed = outcomes.length - failed.length;
  if (isJson) console.log(JSON.stringify({ passed, failed: failed.length }));
  else console.log(`${passed} passed, ${failed.length} failed`);
  return failed.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (options.mutation !== undefined) return runMutations(options.mutation, options);
  return options.seed === undefined ? runMany(options) : runOne(options.seed, options);
}

async function runMutations(name: string, { from, seeds }: Options): Promise<number> {
  const names = name === 'all' ? Object.keys(MUTATIONS) : [name];
  let missed = 0;
  for (const each of names) {
    const found = await runMutation(each, from, seeds);
    if (found.seeds.length === 0) missed += 1;
    const by = [...found.checks].map(([check, count]) => `${check} ${count}`).join(', ');
    console.log(`${each}: found by ${found.seeds.length} of ${seeds} seeds, first ${found.seeds[0] ?? 'none'} (${by})`);
  }
  console.log(`${names.length - missed} mutations found, ${missed} missed`);
  return missed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`sim: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
