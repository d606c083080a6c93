import { expect, it } from 'vitest';
import { type Rig, rig } from '../../test/simulation/rig.ts';
import { timeoutMs } from '../consensus/index.ts';

const SELF = 3;
/** Who proposes height 1 in round 0. */
const PROPOSER = 1;

/** Validator 3 of four, connected to the others. */
const validator = () => rig({ validators: 4, self: SELF });
const parametersOf = (r: Rig) => r.store.genesis.document.parameters;
const fullMs = (r: Rig) => timeoutMs(parametersOf(r), 'propose', 0);
const shortMs = (r: Rig) => Math.ceil(fullMs(r) / 5);
/** Lets round 0 begin: without work it waits for the block interval. */
const begins = (r: Rig) => r.pass(parametersOf(r).blockIntervalMs);

/** Whether it has given the round up: a prevote for no block. */
function hasGivenUp(r: Rig): boolean {
  const votes = r.sentTo(r.members.peerIds[0]!).flatMap((message) => (message[0] === 'votes' ? message[1] : []));
  return votes.some(([type, height, round, block]) => type === 0 && height === 1 && round === 0 && block === null);
}

it('a proposer that is connected has its whole time', async () => {
  const r = await validator();
  await begins(r);
  await r.pass(fullMs(r) - 1);
  expect(hasGivenUp(r)).toBe(false);
  await r.pass(1);
  expect(hasGivenUp(r)).toBe(true);
});

it('one that is not connected is waited for a fifth of that', async () => {
  const r = await validator();
  r.disconnect(r.members.peerIds[PROPOSER]!);
  await begins(r);
  await r.pass(shortMs(r) - 1);
  expect(hasGivenUp(r)).toBe(false);
  await r.pass(1);
  expect(hasGivenUp(r)).toBe(true);
});

it('one that goes while it is waited for, a fifth from then on', async () => {
  const r = await validator();
  await begins(r);
  await r.pass(10);
  r.disconnect(r.members.peerIds[PROPOSER]!);
  await r.pass(0);
  await r.pass(shortMs(r));
  expect(hasGivenUp(r)).toBe(true);
});

it('another validator that goes changes nothing', async () => {
  const r = await validator();
  await begins(r);
  r.disconnect(r.members.peerIds[2]!);
  await r.pass(0);
  await r.pass(fullMs(r) - 1);
  expect(hasGivenUp(r)).toBe(false);
});
