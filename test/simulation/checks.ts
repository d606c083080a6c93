/** Checks that look at a machine as a whole. Those on votes and blocks are in the watchers. */
import type { Machine } from './machine.ts';
import type { Scenario } from './scenario.ts';
import { shown, type World } from './world.ts';

/** Errors in the log that a fault or a lie explains; any other is a finding. */
export function checkNoStrayErrors(
  world: World,
  scenario: Scenario,
  machine: Machine,
  message: string,
  fields: Readonly<Record<string, unknown>>,
): void {
  const { name } = machine.options;
  if (message === 'a validator contradicts itself') {
    const { second } = fields as { readonly second: { readonly validator?: number; readonly proposer?: number } };
    const index = second.validator ?? second.proposer ?? -1;
    if (!scenario.liars.includes(index))
      world.fail('wrong accusation', `${name} accuses validator ${index}: ${shown(fields)}`);
    return;
  }
  const hasCopies = scenario.faults.secondCopy > 0;
  const ofCopies = ['not signing', 'a vote of this validator', 'the vote record is lost'];
  if (hasCopies && ofCopies.some((start) => message.startsWith(start))) return;
  if (scenario.lostAnswers > 0 && (message === 'the node stops' || message === 'not signing')) return;
  if (message === 'the node stops') return;
  world.fail('errors', `${name}: ${message} ${shown(fields)}`);
}

/** What peers can make a node keep is bounded, whatever they send. */
export function checkMemory(world: World, machine: Machine): void {
  const { node, options } = machine;
  if (node === null) return;
  const peers = world.consortium.validators.length + 2;
  const bounds = { waiting: 1_000 * peers, early: 64 * peers, votes: 200 * peers, blocks: 11 };
  for (const [what, bound] of Object.entries(bounds)) {
    const kept = node.load[what as keyof typeof bounds];
    if (kept > bound) world.fail('memory', `${options.name} keeps ${kept} ${what}, at most ${bound} expected`);
  }
}

/** After stop nothing is left: no timer, no job. */
export function checkAllStopped(world: World, machine: Machine): void {
  const { life, options } = machine;
  if (life === null) return;
  if (!life.isStopped) world.fail('stop', `${options.name} does not come to an end`);
  else if (life.timers > 0) world.fail('stop', `${options.name} has left ${life.timers} timers behind`);
}
