/** Evidence in a running node: made, told once, taken from peers only when it verifies, kept over restarts, bounded. */
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../test/simulation/memory-store.ts';
import { type Rig, rig } from '../../test/simulation/rig.ts';
import { decodeEquivocation, encodeEquivocation, verifyEquivocation } from '../chain/equivocation.ts';
import { equal } from '../codec/bytes.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { KEPT_PER_VALIDATOR } from './kept-equivocations.ts';

const FOLLOWER = 'f'.repeat(64);
const value = (fill: number) => [new Uint8Array(32).fill(fill), new Uint8Array(32).fill(fill)] as const;
const LIAR = 0;

function told(r: Rig, peer: string): Uint8Array[] {
  return r.sentTo(peer).flatMap((message) => (message[0] === 'equivocation' ? [message[1]] : []));
}

/** A validator that has just heard two prevotes of one validator for two values. */
async function witness(remains = { kv: new MemoryStore(), record: { bytes: null, epoch: 0 } }): Promise<Rig> {
  const r = await rig({ validators: 4, self: 3, remains });
  for (const peer of [...r.members.peerIds.slice(0, 3), FOLLOWER]) await r.connect(peer);
  await r.receive(r.members.peerIds[LIAR]!, ['votes', [r.vote(0, 0, value(1), LIAR)]]);
  await r.receive(r.members.peerIds[1]!, ['votes', [r.vote(0, 0, value(2), LIAR)]]);
  return r;
}

describe('a contradiction that is seen here', () => {
  it('becomes evidence that holds with the genesis hash alone, is told to all peers once, and logged', async () => {
    const r = await witness();
    const [evidence] = told(r, FOLLOWER);
    expect(verifyEquivocation(crypto, evidence!, r.members.genesis.hash)).toMatchObject({
      validator: r.members.genesis.validators.validators[LIAR]!.id,
      height: 1,
      kind: 'prevote',
    });
    for (const peer of r.members.peerIds.slice(0, 3)) expect(told(r, peer)).toEqual([evidence]);
    await r.receive(r.members.peerIds[2]!, ['votes', [r.vote(0, 0, value(3), LIAR), r.vote(0, 1, value(1), LIAR)]]);
    await r.receive(r.members.peerIds[2]!, ['votes', [r.vote(0, 1, value(2), LIAR)]]);
    expect(told(r, FOLLOWER)).toHaveLength(1);
    expect(r.logged.filter((line) => line.includes('contradicts itself'))).toHaveLength(1);
    expect(r.fatal).toEqual([]);
  });

  it('is in the status, and in the list, and survives a restart', async () => {
    const remains = { kv: new MemoryStore(), record: { bytes: null, epoch: 0 } };
    await witness(remains);
    const after = await rig({ validators: 4, remains });
    const [name] = await after.queries.equivocations();
    const { equivocations } = await after.queries.status();
    expect(equivocations).toEqual({ count: 1, validators: [name!.validator] });
    const evidence = await after.queries.equivocation(name!);
    expect(verifyEquivocation(crypto, evidence!, after.members.genesis.hash)).toMatchObject({ height: 1 });
  });
});

describe('evidence from a peer', () => {
  it('is kept and passed on once by a follower, and what is known already is not passed on', async () => {
    const evidence = told(await witness(), FOLLOWER)[0]!;
    const r = await rig({ validators: 4 });
    const [one, other] = r.members.peerIds as [string, string];
    await r.connect(one);
    await r.connect(other);
    for (const peer of [one, other, one]) await r.receive(peer, ['equivocation', evidence]);
    expect(told(r, other)).toEqual([evidence]);
    expect((await r.queries.status()).equivocations.count).toBe(1);
    expect(r.dropped).toEqual([]);
  });

  it.each([
    [
      'a signature is wrong',
      (bytes: Uint8Array) => bytes.map((byte, i) => (i === bytes.length - 20 ? byte ^ 1 : byte)),
    ],
    ['it is no evidence at all', () => Uint8Array.of(0x80)],
    [
      'it accuses another validator',
      (bytes: Uint8Array, r: Rig) => {
        const file = decodeEquivocation(bytes);
        if ('code' in file) throw new Error(file.code);
        const { name: _, ...rest } = file;
        return encodeEquivocation({ ...rest, validator: r.members.genesis.validators.validators[2]!.id });
      },
    ],
  ])('ends the connection and leaves nothing when %s', async (_, change) => {
    const source = await witness();
    const r = await rig({ validators: 4 });
    const [liar, other] = r.members.peerIds as [string, string];
    await r.connect(liar);
    await r.connect(other);
    await r.receive(liar, ['equivocation', change(told(source, FOLLOWER)[0]!, source)]);
    expect(r.dropped).toEqual([liar]);
    expect(told(r, other)).toEqual([]);
    expect((await r.queries.status()).equivocations.count).toBe(0);
    expect(r.logged.some((line) => line.includes('contradicts'))).toBe(false);
  });
});

it(`keeps the newest ${KEPT_PER_VALIDATOR} pieces of a validator that contradicts itself at every height`, async () => {
  const r = await rig({ validators: 4, self: 3 });
  for (const peer of [...r.members.peerIds.slice(0, 3), FOLLOWER]) await r.connect(peer);
  for (let height = 1; height <= KEPT_PER_VALIDATOR + 4; height++) {
    await r.receive(r.members.peerIds[LIAR]!, ['votes', [r.vote(1, 0, value(1), LIAR)]]);
    await r.receive(r.members.peerIds[1]!, ['votes', [r.vote(1, 0, null, LIAR)]]);
    await r.receive(r.members.peerIds[1]!, ['blocks', [r.nextBlock({ signers: [0, 1, 2] }).row]]);
    expect(r.store.height).toBe(height);
  }
  const names = await r.queries.equivocations();
  expect(names.map(({ height }) => height)).toEqual(Array.from({ length: KEPT_PER_VALIDATOR }, (_, i) => i + 5));
  // What it has let go it does not take back, and so does not pass on again.
  const [oldest] = told(r, FOLLOWER);
  const before = told(r, FOLLOWER).length;
  await r.receive(FOLLOWER, ['equivocation', oldest!]);
  expect(told(r, FOLLOWER)).toHaveLength(before);
  for (const evidence of told(r, FOLLOWER)) {
    const facts = verifyEquivocation(crypto, evidence, r.members.genesis.hash);
    expect('code' in facts ? facts : equal(facts.validator, names[0]!.validator)).toBe(true);
  }
});
