/** Checks that look at a machine as a whole. Those on votes and blocks are in the watchers. */
import { verifyEquivocation } from '../../node-core/chain/equivocation.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { KEPT_PER_VALIDATOR } from '../../node-core/runtime/kept-equivocations.ts';
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
  if (message.startsWith('a validator contradicts itself')) {
    world.count('equivocations noticed');
    const index = world.validatorWithAccount(String(fields.validator));
    if (!scenario.liars.includes(index))
      world.fail('wrong accusation', `${name} accuses validator ${index}: ${shown(fields)}`);
    return;
  }
  const hasCopies = scenario.faults.secondCopy > 0;
  const ofCopies = ['not signing', 'a vote of this validator', 'the vote record is lost'];
  if (hasCopies && ofCopies.some((start) => message.startsWith(start))) return;
  if (scenario.lostAnswers > 0 && message === 'not signing') return;
  // A disk that takes nothing ends a validator: it says so, and stops.
  if (message === 'not signing' && /a write of the vote record failed|full/.test(String(fields.reason))) return;
  if (message === 'the node stops') return;
  if (message.startsWith('blocks are not sealed') && String(fields.error).includes('full')) return;
  world.fail('errors', `${name}: ${message} ${shown(fields)}`);
}

/**
 * Evidence that a correct machine keeps holds for whoever has the genesis hash, accuses liars alone, and is bounded. It
 * is still there after crashes, since it is looked at in the life that comes last.
 */
export function checkEvidence(world: World, scenario: Scenario, machine: Machine): void {
  const { node, options } = machine;
  if (node === null) return;
  const { equivocations } = node.store;
  const names = equivocations.list();
  for (const name of names) {
    const facts = verifyEquivocation(world.crypto, equivocations.get(name)!, world.consortium.genesis.hash);
    if ('code' in facts && machine.isDamaged) continue;
    if ('code' in facts) world.fail('evidence', `${options.name} keeps what proves nothing: ${shown(facts)}`);
    else if (!scenario.liars.includes(world.validatorWithAccount(accountIdToText(facts.validator))))
      world.fail('wrong accusation', `${options.name} keeps evidence against a correct validator: ${shown(name)}`);
    else world.count('pieces of evidence verified');
  }
  const bound = scenario.liars.length * KEPT_PER_VALIDATOR;
  if (names.length > bound) world.fail('memory', `${options.name} keeps ${names.length} pieces of evidence`);
}

/** What peers can make a node keep is bounded, whatever they send. */
export function checkMemory(world: World, machine: Machine): void {
  const { node, options } = machine;
  if (node === null) return;
  const peers = Math.max(world.peers, world.consortium.validators.length + 2);
  const bounds = { waiting: 1_000 * peers, early: 64 * peers, votes: 200 * peers, blocks: 11 };
  for (const [what, bound] of Object.entries(bounds)) {
    const kept = node.load[what as keyof typeof bounds];
    if (kept > bound) world.fail('memory', `${options.name} keeps ${kept} ${what}, at most ${bound} expected`);
  }
}

/** Who is in the set takes part, and who is not keeps nothing of consensus. @returns what is wrong, or null. */
export function wrongRole(world: World, { node, options, isDamaged }: Machine): string | null {
  if (node === null || options.validator === undefined || isDamaged) return null;
  const { key, standby } = options.validator;
  const own = [key, standby].flatMap((pair) => (pair === undefined ? [] : [toHex(pair.publicKey.bytes)]));
  const height = node.store.height + 1;
  const isMember = world.sets
    .at(height)
    .validators.some(({ keys }) => keys.some(({ bytes }) => own.includes(toHex(bytes))));
  const takesPart = node.consensus !== null;
  if (takesPart !== isMember)
    return `${options.name} ${takesPart ? 'takes part' : 'takes no part'} in height ${height}`;
  const { early, votes, blocks } = node.load;
  return !takesPart && early + votes + blocks > 0
    ? `${options.name} follows and keeps ${early}, ${votes} and ${blocks} of consensus`
    : null;
}

/** After stop nothing is left: no timer, no job. */
export function checkAllStopped(world: World, machine: Machine): void {
  const { life, options } = machine;
  if (life === null) return;
  if (!life.isStopped) world.fail('stop', `${options.name} does not come to an end`);
  else if (life.timers > 0) world.fail('stop', `${options.name} has left ${life.timers} timers behind`);
}
