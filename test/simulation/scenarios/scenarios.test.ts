/** What an auditor would ask: each story is played by whole nodes, with every check of the simulator on. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_PARAMETERS } from '../../../node-core/chain/parameters.ts';
import { quietScenario } from '../scenario.ts';
import { given, heightOf, minutes, seconds } from './stage.ts';

/** For long stories. */
const FEW_CLIENTS = { transactionEveryMs: 1_000 };

describe('machines that fail', () => {
  it('the leader dies between its proposal and its vote: the others finish the height, and it comes back', async () => {
    const chain = await given(4).validators();
    await chain.grows(2);
    const { leader, height } = chain;
    await chain.diesAfterSending(leader, ([kind, at]) => kind.endsWith('roposal') && at === height + 1);
    await chain.grows(3);
    chain.restart(leader);
    await chain.until('the leader is back in step', () => heightOf(leader) >= chain.height);
    await chain.heals();
  });

  it('one of four is dead for half a minute, and the chain goes on without it', async () => {
    const chain = await given(4).validators(FEW_CLIENTS);
    await chain.grows(2);
    chain.crash(chain.validator(2)).for(seconds(30));
    await chain.grows(20);
    await chain.runs(seconds(30));
    await chain.until('it is back in step', () => heightOf(chain.validator(2)) >= chain.height);
    await chain.heals();
  });

  it('one of four is killed under load: its turns cost a round and no wait, and it is back in step in two seconds', async () => {
    const { minBlockIntervalMs, timeoutProposeMs } = DEFAULT_PARAMETERS;
    const chain = await given(4).validators({ transactionEveryMs: 50, parameters: DEFAULT_PARAMETERS });
    // The slowest clock of a bare quorum sets the pace; here it is the rules alone.
    for (let i = 0; i < 4; i++) chain.clockJumps(chain.validator(i), -chain.validator(i).skewMs);
    await chain.grows(3);
    const victim = chain.validator(1);
    const atKill = chain.height;
    chain.crash(victim);
    await chain.runs(seconds(1));
    const dead = chain.height;
    await chain.runs(seconds(8));
    // Shorter than the interval and a fifth of the propose timer.
    expect(chain.longestGapMs(dead)).toBeLessThan(minBlockIntervalMs + timeoutProposeMs / 5);
    chain.restart(victim);
    await chain.until('it is back in step', () => heightOf(victim) >= chain.height - 1, seconds(2));
    await chain.runs(seconds(4));
    expect(chain.longestGapMs(atKill)).toBeLessThan(1_500);
    await chain.heals();
  });

  it('two of four are dead: nothing is decided until one of them is back', async () => {
    const chain = await given(4).validators();
    await chain.grows(2);
    chain.crash(chain.validator(0), chain.validator(3));
    await chain.runs(seconds(1));
    const { height } = chain;
    await chain.runs(seconds(15));
    expect(chain.height).toBe(height);
    chain.restart(chain.validator(3));
    await chain.grows(5);
    await chain.heals();
  });

  it('the whole consortium loses power at one moment, and all that was acknowledged is there', async () => {
    const chain = await given(4).validators();
    await chain.grows(5);
    const { height } = chain;
    chain.losesPower().for(seconds(30));
    await chain.runs(seconds(31));
    expect(chain.height).toBeGreaterThanOrEqual(height);
    await chain.heals();
  });

  it('all disks vanish with the power: all that was acknowledged comes back from the journals', async () => {
    const chain = await given(4).validators({ vanishingDisks: true });
    await chain.grows(5);
    const { height } = chain;
    chain.losesPower().for(seconds(30));
    await chain.runs(seconds(35));
    await chain.until('it is where it was', () => chain.height >= height);
    await chain.grows(3);
    await chain.heals();
  });

  it('the disk of one validator is full: it stops, the others go on, and with room it starts again', async () => {
    const chain = await given(4).validators();
    await chain.grows(3);
    const full = chain.validator(1);
    chain.diskIsFull(full).for(seconds(20));
    await chain.runs(seconds(15));
    expect(chain.count('stops for a full disk')).toBeGreaterThan(0);
    expect(heightOf(chain.validator(0))).toBeGreaterThan(heightOf(full) + 3);
    await chain.runs(seconds(10));
    await chain.until('it is back in step', () => heightOf(full) >= chain.height);
    await chain.heals();
  });

  it('a follower joins late with an empty disk, and has the same chain', async () => {
    const chain = await given(4).validators();
    await chain.runs(500);
    chain.losesDisk(chain.follower);
    await chain.grows(40);
    chain.restart(chain.follower);
    await chain.until('the follower has it all', () => heightOf(chain.follower) >= chain.height);
    await chain.heals();
  });
});

describe('a chain that is longer than a segment', () => {
  const FAST = { transactionEveryMs: 15, parameters: { ...quietScenario(1).parameters, minBlockIntervalMs: 10 } };

  it('dies again and again while blocks are sealed and rows are flushed, and a late follower gets it all', async () => {
    const chain = await given(1).validators(FAST);
    await chain.runs(500);
    chain.losesDisk(chain.follower);
    const only = chain.validator(0);
    while (chain.height < 600) {
      chain.crash(only).for(50);
      await chain.runs(1_100);
    }
    chain.restart(chain.follower);
    await chain.until('the follower has it all', () => heightOf(chain.follower) >= chain.height);
    chain.crash(only, chain.follower).for(50);
    await chain.heals();
  });
});

describe('networks that fail', () => {
  it('two halves: neither decides anything, and healed they go on with one history', async () => {
    const chain = await given(4).validators({ followers: 0 });
    await chain.grows(3);
    const { height } = chain;
    chain.partition('halves').for(seconds(20));
    await chain.runs(seconds(20));
    // What was decided when the line was cut may still arrive.
    expect(chain.height).toBeLessThanOrEqual(height + 1);
    await chain.grows(3);
    await chain.heals();
  });

  it.each(['isolated', 'oneWay', 'bridge', 'ring', 'star'] as const)(
    'a network in the shape of %s heals',
    async (shape) => {
      const chain = await given(7).validators();
      await chain.grows(2);
      chain.partition(shape).for(seconds(10));
      await chain.runs(seconds(10));
      await chain.grows(3);
      await chain.heals();
    },
  );

  it('links that come and go many times a second slow the chain down, and do not split it', async () => {
    const chain = await given(4).validators();
    await chain.grows(2);
    for (let i = 0; i < 5; i++) {
      chain.flapping('halves').for(seconds(4));
      await chain.runs(seconds(4));
    }
    await chain.heals();
  });
});

describe('clocks that are wrong', () => {
  it.each([
    ['back by an hour', -minutes(60)],
    ['ahead by an hour', minutes(60)],
  ])(
    'the clock of one validator jumps %s: block times stay near the true time, and the chain goes on',
    async (_, by) => {
      const chain = await given(4).validators({ wildClocks: [2] });
      await chain.grows(3);
      chain.clockJumps(chain.validator(2), by);
      await chain.grows(8);
      chain.clockJumps(chain.validator(2), -by);
      await chain.grows(4);
      await chain.heals();
    },
  );

  it('the only validator has its clock set back by ten seconds: block time stands still until then, and followers are served', async () => {
    const chain = await given(1).validators();
    await chain.grows(3);
    chain.clockJumps(chain.validator(0), -seconds(10));
    chain.losesDisk(chain.follower);
    chain.restart(chain.follower);
    await chain.until('the follower has it all', () => heightOf(chain.follower) >= chain.height, seconds(9));
    await chain.heals();
  });
});

describe('validators that lie', () => {
  it('a liar proposes two blocks: at most one is decided, and every correct node can prove the lie', async () => {
    const chain = await given(4).validators({ liars: [0] });
    chain.liarsPlay('split');
    await chain.grows(8);
    const liar = chain.validator(0);
    const all = [1, 2, 3].map(chain.validator.bind(chain));
    await chain.until('all have evidence', () =>
      [...all, chain.follower].every((machine) => chain.evidence(machine, liar).length > 0),
    );
    // It is there after a restart too.
    chain.crash(...all, chain.follower).for(seconds(1));
    await chain.runs(seconds(3));
    for (const machine of [...all, chain.follower]) expect(chain.evidence(machine, liar)).not.toEqual([]);
    await chain.heals();
  });

  it('a liar lets one machine alone see a polka and falls silent: the others come to see it too', async () => {
    const chain = await given(4).validators({ liars: [2] });
    chain.liarsPlay('divide');
    await chain.grows(10);
    expect(chain.count('polkas that one machine alone sees')).toBeGreaterThan(0);
    await chain.heals();
  });

  it.each([
    [4, [1]],
    [7, [0, 4]],
    [10, [1, 5, 9]],
  ])('of %i validators as many as can be lie in every way: the chain goes on', async (count, liars) => {
    const chain = await given(count).validators({ liars, isLoud: true });
    await chain.grows(8);
    await chain.heals();
  });

  it('a leader gives its block to some and withholds it from the others', async () => {
    const chain = await given(7).validators({ liars: [2, 3] });
    chain.liarsPlay('withhold');
    await chain.grows(8);
    await chain.heals();
  });
});
