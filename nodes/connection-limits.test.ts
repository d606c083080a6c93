import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { limitConnections } from './connection-limits.ts';

const open: Socket[] = [];
const server = createServer((_, response) => response.end('here'));

afterEach(() => {
  for (const socket of open) socket.destroy();
  server.close();
});

/** Resolves with what comes on a new connection: an answer, or nothing when it is closed. */
async function ask(): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  open.push(socket);
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [first] = await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  return Buffer.isBuffer(first) ? first.toString() : '';
}

it('closes what one address has too many of, and takes others when those are gone', async () => {
  limitConnections(server, { maxConnections: 10, maxPerAddress: 2 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  expect([await ask(), await ask()]).toEqual([expect.stringMatching(/here/), expect.stringMatching(/here/)]);
  expect(await ask()).toBe('');
  const closed = once(open[0]!, 'close');
  open[0]!.destroy();
  await closed;
  while ((await ask()) === '') await new Promise((resolve) => setTimeout(resolve, 5));
});
