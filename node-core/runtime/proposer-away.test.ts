import { describe, expect, it } from 'vitest';
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

it('one that has just gone is waited for a fifth of that, which begins when it went', async () => {
  const r = await validator();
  await r.pass(parametersOf(r).blockIntervalMs - 50);
  r.disconnect(r.members.peerIds[PROPOSER]!);
  await r.pass(0);
  await r.pass(50);
  await r.pass(shortMs(r) - 51);
  expect(hasGivenUp(r)).toBe(false);
  await r.pass(1);
  expect(hasGivenUp(r)).toBe(true);
});

it('one that has been away for longer is not waited for at all', async () => {
  const r = await validator();
  r.disconnect(r.members.peerIds[PROPOSER]!);
  await r.pass(0);
  await begins(r);
  await r.pass(0);
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

describe('one that is connected', () => {
  /** At height 4 it is validator 0's turn; each has said what it has. */
  async function atHeightFour(proposerHeight: number): Promise<Rig> {
    const r = await validator();
    const [proposer, other] = r.members.peerIds as [string, string];
    // Not with our own signature: a vote that our record does not know would end our voting.
    const decided = () => r.nextBlock({ signers: [0, 1, 2] }).row;
    for (let height = 1; height <= 3; height++) await r.receive(other, ['blocks', [decided()]]);
    expect(r.node.consensus).toEqual({ height: 4, round: 0 });
    await r.receive(proposer, ['status', proposerHeight]);
    // The blocks are a millisecond apart.
    await r.pass(parametersOf(r).blockIntervalMs + 3);
    return r;
  }
  const prevotesNil = (r: Rig) =>
    r
      .sentTo(r.members.peerIds[1]!)
      .flatMap((message) => (message[0] === 'votes' ? message[1] : []))
      .some(([type, height, round, block]) => type === 0 && height === 4 && round === 0 && block === null);

  it('and still catches up is waited for a fifth: it cannot propose before it has the block before', async () => {
    const r = await atHeightFour(1);
    await r.pass(shortMs(r) - 1);
    expect(prevotesNil(r)).toBe(false);
    await r.pass(1);
    expect(prevotesNil(r)).toBe(true);
  });

  it('and has not said yet that it has the newest block has its whole time', async () => {
    const r = await atHeightFour(2);
    await r.pass(fullMs(r) - 1);
    expect(prevotesNil(r)).toBe(false);
    await r.pass(1);
    expect(prevotesNil(r)).toBe(true);
  });
});
