import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Actor, bytesOf, keyPair, World } from '../../../test/ledger/world.ts';
import { type CodeName, codeName } from '../../chain/codes.ts';
import {
  MAX_NODES,
  REGISTER_NODE,
  registerNodeBody,
  UNREGISTER_NODE,
  unregisterNodeBody,
} from '../../chain/operations/register-node.ts';
import type { Operation } from '../../chain/transaction.ts';
import { toHex } from '../../codec/bytes.ts';
import type { PublicKey } from '../../crypto/provider.ts';
import { nodeIn, nodesOf } from '../../ledger/nodes.ts';

const nodeKey = (name: string | number) => bytesOf(`node ${name}`);
const register = (key: Uint8Array, noteKey?: PublicKey): Operation => ({
  type: REGISTER_NODE,
  body: registerNodeBody.encode({ nodeKey: key, ...(noteKey !== undefined && { noteKey }) }),
});
const unregister = (key: Uint8Array): Operation => ({
  type: UNREGISTER_NODE,
  body: unregisterNodeBody.encode({ nodeKey: key }),
});

async function sent(world: World, sender: Actor, ...operations: readonly Operation[]): Promise<CodeName | 'applied'> {
  const { executed, refusals } = await world.block([world.transaction(sender, operations)]);
  expect(refusals).toEqual([null]);
  const [code] = executed.results[0]!;
  return code === 0 ? 'applied' : codeName(code)!;
}

test('operator, validators and partners of any permission have nodes; users have none', async () => {
  const world = await World.open();
  const partner = await world.partner('partner', { permissions: ['voucher'] });
  for (const [i, sender] of [world.operator, world.validator, partner].entries()) {
    expect(await sent(world, sender, register(nodeKey(i)))).toBe('applied');
    expect(world.store.accountOfNode(nodeKey(i))).toEqual(sender.id);
  }
  const user = await world.user(await world.partner('certifier'), 'ann', { level: 'certificate' });
  for (const operation of [register(nodeKey(9)), unregister(nodeKey(0))])
    expect(world.execute([world.transaction(user, [operation])]).refusals[0]?.code).toBe('NOT_PERMITTED');
});

test('registered, changed, taken back, and then free for another; the events say so', async () => {
  const world = await World.open();
  const [one, two] = [await world.partner('one'), await world.partner('two')];
  const key = nodeKey('a');
  const noteKey = keyPair('note').publicKey;
  const { events } = await world.applied(world.transaction(one, [register(key)]));
  const data = new Map([
    ['node', key],
    ['account', one.id],
  ]);
  expect(events).toEqual([[0, 0, 'governance.nodeRegistered', data]]);
  expect(nodeIn(world.store, key)).toEqual([one.id, null]);
  expect(await sent(world, two, register(key))).toBe('NODE_TAKEN');
  expect(await sent(world, two, unregister(key))).toBe('NODE_UNKNOWN');
  expect(await sent(world, one, register(key, noteKey))).toBe('applied');
  expect(nodeIn(world.store, key)).toEqual([one.id, noteKey]);
  expect(nodesOf(world.store, one.id)).toEqual([key]);
  const removal = await world.applied(world.transaction(one, [unregister(key)]));
  expect(removal.events).toEqual([[0, 0, 'governance.nodeUnregistered', data]]);
  expect(world.store.accountOfNode(key)).toBeUndefined();
  expect(await sent(world, one, unregister(key))).toBe('NODE_UNKNOWN');
  expect(await sent(world, two, register(key))).toBe('applied');
  expect(world.store.accountOfNode(key)).toEqual(two.id);
});

test('what the genesis says of a node holds until its account takes it back', async () => {
  const world = await World.open({ validators: 2 });
  const partner = await world.partner('partner');
  const [{ nodeKey: key }] = world.genesis.document.validators as never as [{ nodeKey: Uint8Array }];
  expect(world.store.accountOfNode(key)).toEqual(world.validator.id);
  expect(await sent(world, partner, register(key))).toBe('NODE_TAKEN');
  expect(await sent(world, partner, unregister(key))).toBe('NODE_UNKNOWN');
  expect(await sent(world, world.validator, unregister(key))).toBe('applied');
  expect(world.store.accountOfNode(key)).toBeUndefined();
  expect((await world.copy()).store.accountOfNode(key)).toBeUndefined();
  expect(await sent(world, partner, register(key))).toBe('applied');
});

test('as many as an account may have; room comes back', async () => {
  const world = await World.open();
  const partner = await world.partner('partner');
  const all = Array.from({ length: MAX_NODES }, (_, i) => register(nodeKey(i)));
  expect(await sent(world, partner, ...all, register(nodeKey('more')))).toBe('NODES_FULL');
  expect(await sent(world, partner, ...all)).toBe('applied');
  expect(await sent(world, partner, register(nodeKey(3), keyPair('note').publicKey))).toBe('applied');
  expect(await sent(world, partner, register(nodeKey('more')))).toBe('NODES_FULL');
  expect(await sent(world, partner, unregister(nodeKey(0)), register(nodeKey('more')))).toBe('applied');
});

test('checkpoints are signed with Ed25519', () => {
  expect(() => register(nodeKey('a'), keyPair('note', 'p256').publicKey)).toThrow('Ed25519');
  const { suite: _suite, ...rest } = keyPair('note', 'p256').publicKey;
  const body = new Map([
    ['nodeKey', nodeKey('a') as never],
    ['noteKey', [1, rest.bytes] as never],
  ]);
  expect(() => registerNodeBody.decode(body, '')).toThrow('Ed25519');
});

test('each key belongs to whoever registered it last while it was free', async () => {
  const step = fc.record({ who: fc.nat(2), key: fc.nat(3), add: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
      const world = await World.open();
      const actors = [world.operator, world.validator, await world.partner('partner')];
      const owners = new Map<number, number>();
      for (const { who, key, add } of steps) {
        const owner = owners.get(key);
        const may = add ? owner === undefined || owner === who : owner === who;
        const outcome = await sent(world, actors[who]!, add ? register(nodeKey(key)) : unregister(nodeKey(key)));
        expect(outcome).toBe(may ? 'applied' : add ? 'NODE_TAKEN' : 'NODE_UNKNOWN');
        if (may && add) owners.set(key, who);
        if (may && !add) owners.delete(key);
        for (let i = 0; i < 4; i++)
          expect(world.store.accountOfNode(nodeKey(i))).toEqual(actors[owners.get(i) ?? -1]?.id);
        for (const [i, { id }] of actors.entries()) {
          const own = [...owners].filter(([, of]) => of === i).map(([k]) => toHex(nodeKey(k)));
          expect(nodesOf(world.store, id).map(toHex).sort()).toEqual(own.sort());
        }
      }
    }),
    { numRuns: 30 },
  );
});
