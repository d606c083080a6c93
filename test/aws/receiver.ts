/** Takes webhooks, as a subscriber's server does; each message once, however often it comes. */
import { createServer, type Server } from 'node:http';

export interface Message {
  readonly id: string;
  readonly event: {
    readonly type: string;
    readonly data: { readonly record: string; readonly digest: readonly string[] };
  };
  /** When it came for the first time, ms of performance.now. */
  readonly atMs: number;
}

export class Receiver {
  readonly messages = new Map<string, Message>();
  /** Deliveries in all, repeated ones too. */
  deliveries = 0;
  private readonly server: Server;

  private constructor() {
    this.server = createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += String(part);
      const id = String(request.headers['webhook-id']);
      this.deliveries += 1;
      if (!this.messages.has(id)) this.messages.set(id, { id, event: JSON.parse(body), atMs: performance.now() });
      response.writeHead(204).end();
    });
  }

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as { port: number }).port}/`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
