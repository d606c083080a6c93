/** Stands between a node and AWS: passes requests on, or answers in AWS's place, or loses the answer. */
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { Emulator } from './emulator.ts';

export type Fate = 'pass' | 'throttle' | 'loseAnswer';

export class Between {
  /** Of a request for DynamoDB, by the name of its operation. */
  fate: (operation: string) => Fate = () => 'pass';
  readonly counts = { pass: 0, throttle: 0, loseAnswer: 0 };
  private readonly server: Server;
  private readonly emulator: Emulator;

  constructor(emulator: Emulator) {
    this.emulator = emulator;
    this.server = createServer((incoming, response) => {
      const [service, operation = ''] = String(incoming.headers['x-amz-target'] ?? '').split('.');
      const fate = service?.startsWith('DynamoDB') ? this.fate(operation) : 'pass';
      if (service?.startsWith('DynamoDB')) this.counts[fate] += 1;
      if (fate === 'throttle') {
        incoming.resume();
        const type = 'com.amazonaws.dynamodb.v20120810#ThrottlingException';
        response.writeHead(400, { 'Content-Type': 'application/x-amz-json-1.0' }).end(JSON.stringify({ __type: type }));
        return;
      }
      const asked = this.forward(incoming, (answer) => {
        if (fate === 'loseAnswer') {
          answer.resume().once('end', () => response.destroy());
          return;
        }
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      });
      asked.once('error', () => response.destroy());
    });
  }

  private forward(incoming: IncomingMessage, answered: (answer: IncomingMessage) => void) {
    const { hostname, port } = new URL(this.emulator.endpoint);
    const { method, url: path, headers } = incoming;
    const asked = request({ hostname, port, method, path, headers }, answered);
    incoming.pipe(asked);
    return asked;
  }

  /** As an endpoint of AWS like the one behind. */
  async open(): Promise<Emulator> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const address = this.server.address() as { readonly port: number };
    return { ...this.emulator, endpoint: `http://127.0.0.1:${address.port}` };
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
