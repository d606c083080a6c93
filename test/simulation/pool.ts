/** Runs scenarios in as many processes as there are cores; a process that dies takes one with it, not the run. */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Scenario } from './scenario.ts';
import type { Outcome } from './simulate.ts';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** Calls back for each outcome as it comes; resolves when all are through. */
export async function runScenarios(
  scenarios: readonly Scenario[],
  onOutcome: (outcome: Outcome, scenario: Scenario) => void,
): Promise<void> {
  const queue = [...scenarios];
  const workers = Math.max(1, Math.min(availableParallelism(), scenarios.length));
  await Promise.all(Array.from({ length: workers }, () => runWorker(queue, onOutcome)));
}

async function runWorker(queue: Scenario[], onOutcome: (outcome: Outcome, scenario: Scenario) => void): Promise<void> {
  let child: ChildProcess | null = null;
  for (let scenario = queue.shift(); scenario !== undefined; scenario = queue.shift()) {
    child ??= fork(WORKER, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const outcome = await ask(child, scenario);
    if (outcome === null) child = null;
    onOutcome(outcome ?? deadOutcome(scenario.seed), scenario);
  }
  child?.disconnect();
}

/** Null when the process has died over it. */
function ask(child: ChildProcess, scenario: Scenario): Promise<Outcome | null> {
  return new Promise((resolve) => {
    const finish = (outcome: Outcome | null) => {
      child.off('message', finish);
      child.off('exit', died);
      resolve(outcome);
    };
    const died = () => finish(null);
    child.on('message', finish);
    child.on('exit', died);
    child.send(scenario);
  });
}

function deadOutcome(seed: number): Outcome {
  const failures = [{ check: 'process', message: 'the process that simulated it died', atMs: 0 }];
  return { seed, failures, trace: '', height: 0, rounds: 0, events: 0, virtualMs: 0, counts: {} };
}
