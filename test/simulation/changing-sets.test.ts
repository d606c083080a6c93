/** Validators that come, go and change their keys while the chain goes on; no process is started again for it. */
import { describe, expect, it } from 'vitest';
import { ChangingSet } from './changing-sets.ts';

describe('the set changes', () => {
  it('a fifth joins: its node has followed, and votes from the height on that was approved', async () => {
    const chain = await ChangingSet.of(4);
    await chain.grows(2);
    const fifth = await chain.admits('fifth');
    await chain.grows(2);
    expect(fifth.machine.node!.consensus).toBeNull();
    await chain.changes([...chain.set, chain.member(fifth)]);
    await chain.grows(10);
    expect(fifth.machine.node!.consensus).not.toBeNull();
    expect(await chain.recentSigners(10)).toEqual([0, 1, 2, 3, 4]);
    expect(chain.logged.filter((line) => line.includes('error'))).toEqual([]);
  });

  it('one is removed: it signs no more, keeps nothing of consensus, and follows', async () => {
    const chain = await ChangingSet.of(5);
    await chain.grows(2);
    const gone = chain.companies[2]!.machine.node!;
    await chain.changes(chain.set.filter((_, i) => i !== 2));
    await chain.grows(10);
    expect(await chain.recentSigners(10)).toEqual([0, 1, 3, 4]);
    expect(gone.consensus).toBeNull();
    expect(gone.load).toMatchObject({ early: 0, votes: 0, blocks: 0 });
    expect(gone.store.height).toBeGreaterThanOrEqual(chain.height - 1);
  });

  it('who is removed and comes back votes again, with the same process and the same record', async () => {
    const chain = await ChangingSet.of(5);
    await chain.grows(2);
    const { set } = chain;
    await chain.changes(set.slice(1));
    await chain.grows(2);
    expect(chain.companies[0]!.machine.node!.consensus).toBeNull();
    await chain.changes([...set.slice(1), set[0]!]);
    await chain.grows(10);
    expect(await chain.recentSigners(10)).toEqual([0, 1, 2, 3, 4]);
    expect(chain.logged.filter((line) => line.includes('error'))).toEqual([]);
  });

  it('a key is rotated: the process with the new key follows before, and the one with the old key after', async () => {
    const chain = await ChangingSet.of(4);
    await chain.grows(2);
    const company = await chain.admits('company');
    await chain.changes([...chain.set, chain.member(company)]);
    const key = chain.newKey();
    const successor = chain.node('successor', 'ab'.repeat(32), key);
    await chain.registers(company, successor.options.peer);
    const takePart = () => [company.machine, successor].map(({ node }) => node!.consensus !== null);
    expect(takePart()).toEqual([true, false]);
    await chain.changes(chain.set.map((one, i) => (i === 4 ? chain.member({ id: company.id, key }) : one)));
    expect(takePart()).toEqual([false, true]);
    await chain.grows(10);
    expect(await chain.recentSigners(10)).toEqual([0, 1, 2, 3, 4]);
    expect(chain.logged.filter((line) => line.includes('error'))).toEqual([]);
  });

  it('a dead one is removed, and then the chain outlives the death of another', async () => {
    const chain = await ChangingSet.of(5);
    await chain.grows(2);
    chain.crash(chain.companies[4]!.machine);
    await chain.grows(2);
    await chain.changes(chain.set.slice(0, 4), [0, 1, 2, 3]);
    chain.crash(chain.companies[3]!.machine);
    await chain.grows(6);
    expect(await chain.recentSigners(4)).toEqual([0, 1, 2]);
  });

  it('without the removal it does not', async () => {
    const chain = await ChangingSet.of(5);
    await chain.grows(2);
    chain.crash(chain.companies[4]!.machine);
    chain.crash(chain.companies[3]!.machine);
    await chain.runs(1_000);
    const { height } = chain;
    await chain.runs(30_000);
    expect(chain.height).toBe(height);
  });
});

describe('from one validator to ten, and back', () => {
  const SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1];

  it('each height has the set that was approved for it, and a light client follows from the genesis', {
    timeout: 120_000,
  }, async () => {
    const chain = await ChangingSet.of(1);
    await chain.grows(1);
    const sent: { readonly by: Awaited<ReturnType<ChangingSet['sends']>>; readonly receipt: Uint8Array }[] = [];
    const witness = async () => {
      const by = await chain.sends(chain.admission(`observer ${sent.length}`));
      sent.push({ by, receipt: await chain.receipt(by) });
    };
    await witness();
    for (const [step, size] of SIZES.entries()) {
      if (step === 0) continue;
      if (size > SIZES[step - 1]!) {
        const company = await chain.admits(`company ${size}`);
        await chain.changes([...chain.set, chain.member(company)]);
      } else {
        // Those who were there first leave first: the index of each that stays is another after each change.
        await chain.changes(chain.set.slice(1));
      }
      await witness();
      if (size === 10) await expectSigners(chain, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
    await expectSigners(chain, [9]);
    const facts = sent.map(({ receipt }) => chain.verified(receipt));
    expect(facts.map(({ signers }) => signers)).toEqual(SIZES);
    expect(facts.map(({ changes }) => changes)).toEqual(SIZES.map((_, step) => step));
    // Receipts that are given out long after say the same, by whichever quorum.
    for (const [i, { by }] of sent.entries()) expect(chain.verified(await chain.receipt(by))).toEqual(facts[i]);
    expect(chain.logged.filter((line) => line.includes('error'))).toEqual([]);
  });

  async function expectSigners(chain: ChangingSet, companies: readonly number[]): Promise<void> {
    await chain.grows(10);
    expect(await chain.recentSigners(10)).toEqual(companies);
  }
});
