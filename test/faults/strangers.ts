/** Clients that nobody invited: slow, many, and talking nonsense, at the node port and at the HTTP port. Bounded. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { newIdentity } from '../../adapters/transport-mtls/testing.ts';
import type { Chance } from '../simulation/chance.ts';

const CONNECTIONS_AT_ONCE = 60;
const DRIP_MS = 250;

interface Target {
  readonly host: string;
  readonly nodePort: number;
  readonly apiPort: number;
}

/** Attacks for so long; how many connections were made. */
export async function attack(target: Target, durationMs: number, chance: Chance): Promise<number> {
  const sockets = new Set<Socket>();
  const { key, cert } = newIdentity();
  const credentials = { key: key.export({ type: 'pkcs8', format: 'pem' }), cert };
  let made = 0;
  const open = () => {
    const act = chance.pick(ACTS);
    const socket = act(target, credentials, chance);
    made += 1;
    sockets.add(socket);
    const drip = setInterval(() => {
      if (socket.writable && act !== silent) socket.write(chance.bytes(1));
    }, DRIP_MS);
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.once('close', () => {
      clearInterval(drip);
      sockets.delete(socket);
    });
  };
  const timer = setInterval(() => {
    for (let i = 0; i < 4 && sockets.size < CONNECTIONS_AT_ONCE; i++) open();
  }, 50);
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  clearInterval(timer);
  for (const socket of sockets) socket.destroy();
  return made;
}

interface Credentials {
  readonly key: string | Buffer;
  readonly cert: string;
}

type Act = (target: Target, credentials: Credentials, chance: Chance) => Socket;

const toNode = ({ host, nodePort }: Target) => connect(nodePort, host);
const toApi = ({ host, apiPort }: Target) => connect(apiPort, host);

/** Connects and says nothing. */
const silent: Act = (target) => toNode(target);

/** Bytes that are no TLS. */
const noise: Act = (target, _, chance) => {
  const socket = toNode(target);
  socket.write(chance.bytes(2_000));
  return socket;
};

/** A whole handshake with a key that nobody has pinned, then a frame that says it has 4 GB. */
const giantFrame: Act = ({ host, nodePort }, credentials) => {
  const socket = connectTls({ host, port: nodePort, ...credentials, rejectUnauthorized: false });
  socket.once('secureConnect', () => socket.write(Buffer.alloc(64 * 1024, 0xff)));
  return socket;
};

/** A handshake without a certificate. */
const anonymous: Act = ({ host, nodePort }) => connectTls({ host, port: nodePort, rejectUnauthorized: false });

/** A request that comes a byte at a time. */
const slowRequest: Act = (target) => {
  const socket = toApi(target);
  socket.write('POST /v1/transactions HTTP/1.1\r\nhost: x\r\nx-slow: ');
  return socket;
};

/** A body that is said to be a gigabyte. */
const giantBody: Act = (target, _, chance) => {
  const socket = toApi(target);
  socket.write(
    'POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-type: application/cose\r\ncontent-length: 1000000000\r\n\r\n',
  );
  socket.write(chance.bytes(200_000));
  return socket;
};

/** Heads without end. */
const giantHeads: Act = (target) => {
  const socket = toApi(target);
  socket.write(`GET / HTTP/1.1\r\n${'x: y\r\n'.repeat(20_000)}`);
  return socket;
};

/** Bytes that are no HTTP. */
const httpNoise: Act = (target, _, chance) => {
  const socket = toApi(target);
  socket.write(chance.bytes(2_000));
  return socket;
};

const ACTS = [silent, noise, giantFrame, anonymous, slowRequest, giantBody, giantHeads, httpNoise];
