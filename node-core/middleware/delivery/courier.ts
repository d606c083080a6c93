/** Carries one message to an endpoint: signs it with the keys in force, waits for a slot, posts it, notes the attempt. */
import type { Clock } from '../../ports/clock.ts';
import type { Attempt, Subscription } from '../../ports/subscription-store.ts';
import type { PostOutcome, WebhookTransport } from '../../ports/webhook-transport.ts';
import type { SendSlots, Standing } from './send-slots.ts';
import { derivedKey, type Ed25519Sign, type SigningKey, signedHeaders } from './signing.ts';

export interface CourierParts {
  readonly transport: WebhookTransport;
  readonly clock: Clock;
  readonly slots: SendSlots;
  /** From which all keys are derived. */
  readonly master: Uint8Array;
  readonly sign?: Ed25519Sign | undefined;
  attempted(subscription: string, attempt: Attempt): void;
}

export interface Message {
  readonly id: string;
  readonly type: string;
  readonly body: Uint8Array;
}

export interface Sent {
  readonly outcome: PostOutcome;
  readonly attempt: Attempt;
  readonly isSuccess: boolean;
}

export class Courier {
  private readonly parts: CourierParts;
  private readonly keys = new Map<number, SigningKey>();
  private attempts: number;
  private stopped = false;

  /** @param attempts how many there have been. */
  constructor(parts: CourierParts, attempts: number) {
    this.parts = parts;
    this.attempts = attempts;
  }

  /** @returns null when this node stops: then nothing is known of the outcome, and nothing has been noted. */
  send({ id, owner, url, keys }: Subscription, message: Message, standing: Standing): Promise<Sent | null> {
    const { slots, transport, clock, master, sign, attempted } = this.parts;
    return slots.run(standing, owner, async () => {
      if (this.stopped) return null;
      const atMs = clock.now();
      const valid = keys.filter(({ untilMs }) => untilMs === null || untilMs > atMs);
      const signing = valid.map(({ scheme, generation }) => {
        const key = this.keys.get(generation) ?? derivedKey(master, id, scheme, generation);
        this.keys.set(generation, key);
        return key;
      });
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'brop-webhook/1',
        ...signedHeaders(signing, message.id, atMs, message.body, sign),
      };
      const outcome = await transport.post(url, headers, message.body);
      if (this.stopped) return null;
      const attempt: Attempt = {
        ...{ number: this.attempts++, event: message.id, type: message.type, atMs },
        durationMs: clock.now() - atMs,
        outcome: outcome.kind === 'answered' ? outcome.status : outcome.reason,
      };
      attempted(id, attempt);
      const isSuccess = outcome.kind === 'answered' && outcome.status >= 200 && outcome.status <= 299;
      return { outcome, attempt, isSuccess };
    });
  }

  stop(): void {
    this.stopped = true;
  }
}
