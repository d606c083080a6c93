/** Peers that nobody has pinned, and that `admits` lets in. */
import { afterEach, expect, it } from 'vitest';
import type { NodeIdentity } from './identity.ts';
import type { MtlsTransportOptions } from './settings.ts';
import { newIdentity, startNode, type TestNode, testNode, until } from './testing.ts';

const nodes: TestNode[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.transport.close();
});

const LISTEN = { host: '127.0.0.1', port: 0 };

async function started(
  options: Omit<MtlsTransportOptions, 'identity' | 'log'>,
  identity: NodeIdentity = newIdentity(),
) {
  const node = testNode(identity, { maxHalfOpenPerAddress: 64, ...options });
  nodes.push(node);
  await startNode(node);
  return node;
}

/** Dials `host`, which it has pinned. */
const guestOf = (host: TestNode, identity?: NodeIdentity) =>
  started({ peers: [{ id: host.id, host: '127.0.0.1', port: host.transport.port! }] }, identity);

const isIn = (host: TestNode, guest: TestNode) => host.transport.peers().includes(guest.id);

it('those that it lets in exchange messages, and others are closed', async () => {
  const known = newIdentity();
  const host = await started({ listen: LISTEN, peers: [], admits: (peer) => peer === known.peerId });
  const guest = await guestOf(host, known);
  const stranger = await guestOf(host);
  await until('the guest is in', () => isIn(host, guest) && isIn(guest, host));
  expect(host.transport.send(guest.id, Uint8Array.of(7))).toBe(true);
  await until('a message', () => guest.messages.length === 1);
  await until('the refusal', () => host.logged.some((line) => line.includes(`unknown key ${stranger.id}`)));
  expect(host.transport.peers()).toEqual([guest.id]);
});

it('one that is dropped does not come back once it is not let in any more', async () => {
  let isOpen = true;
  const host = await started({ listen: LISTEN, peers: [], admits: () => isOpen, penaltyMs: 1 });
  const guest = await guestOf(host);
  await until('the guest is in', () => isIn(host, guest));
  isOpen = false;
  host.transport.drop(guest.id, 'not registered');
  await until('the refusal', () => host.logged.some((line) => line.includes(`unknown key ${guest.id}`)));
  expect(isIn(host, guest)).toBe(false);
});

it('64 are in at a time, and one that goes makes room', async () => {
  const host = await started({ listen: LISTEN, peers: [], admits: () => true });
  const guests: TestNode[] = [];
  for (let i = 0; i < 65; i++) guests.push(await guestOf(host));
  await until('64 guests and a refusal', () => {
    const isRefused = host.logged.some((line) => line.includes('unknown key'));
    return host.transport.peers().length === 64 && isRefused;
  });
  const last = guests.find((guest) => !isIn(host, guest))!;
  await guests.find((guest) => guest !== last)!.transport.close();
  await until('the last is in', () => isIn(host, last));
});
