/** How many TCP connections an HTTP server holds, in all and of one address: each costs memory, also when it is idle. */
import type { Server, Socket } from 'node:net';

export interface ConnectionLimits {
  readonly maxConnections: number;
  readonly maxPerAddress: number;
}

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = { maxConnections: 2_000, maxPerAddress: 500 };

/** Closes what is over a limit at once, without an answer: it has not asked anything yet. */
export function limitConnections(server: Server, { maxConnections, maxPerAddress }: ConnectionLimits): void {
  const byAddress = new Map<string, number>();
  server.maxConnections = maxConnections;
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (byAddress.get(address) ?? 0) + 1;
    if (count > maxPerAddress) {
      socket.destroy();
      return;
    }
    byAddress.set(address, count);
    socket.once('close', () => {
      const left = byAddress.get(address)! - 1;
      if (left > 0) byAddress.set(address, left);
      else byAddress.delete(address);
    });
  });
}
