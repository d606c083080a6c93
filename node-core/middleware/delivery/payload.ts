/** The body of a webhook: the event, and inside it the receipt that proves its transaction, for whoever trusts nobody. */
import { base64urlnopad } from '@scure/base';
import { accountIdFromText } from '../../codec/account-id.ts';
import { fromHex, toHex, utf8 } from '../../codec/bytes.ts';
import type { ChainAccess } from '../../ports/chain-access.ts';
import type { Random } from '../../ports/random.ts';
import type { Event } from '../events/event.ts';
import { eventView } from '../events/event-view.ts';
import type { Message } from './courier.ts';

/** The specification asks for payloads under 20 kB: beyond it the receipt is left to its link. */
export const MAX_PAYLOAD_BYTES = 20_000;

export type Receipts = Pick<ChainAccess, 'receipt'>;

/**
 * JSON, UTF-8. `receipt` is the receipt file in base64url, or null: for events of a whole block, which no transaction
 * caused, and where it would make the payload longer than {@link MAX_PAYLOAD_BYTES}; `links.receipt` leads to it.
 */
export async function payloadOf(event: Event, receipts: Receipts): Promise<Uint8Array> {
  const { transaction } = event;
  const file =
    transaction === null
      ? undefined
      : await receipts.receipt(accountIdFromText(transaction.sender), fromHex(transaction.nonce));
  const whole = file === undefined ? undefined : body(event, base64urlnopad.encode(file));
  return whole === undefined || whole.length > MAX_PAYLOAD_BYTES ? body(event, null) : whole;
}

function body(event: Event, receipt: string | null): Uint8Array {
  return utf8(JSON.stringify({ ...eventView(event), receipt }));
}

/** Of a test message. */
export function newPingId(random: Random): string {
  return `ping_${toHex(random.bytes(16))}`;
}

/** A test message, which is of no event. */
export function pingMessage(subscription: string, id: string, nowMs: number): Message {
  const type = 'webhook.ping';
  const body = { type, timestamp: new Date(nowMs).toISOString(), data: { subscription } };
  return { id, type, body: utf8(JSON.stringify(body)) };
}

/** Payloads of the newest events: a thousand subscriptions to one event need it once. */
export class Payloads {
  private readonly receipts: Receipts;
  private readonly kept = new Map<string, Promise<Uint8Array>>();

  constructor(receipts: Receipts) {
    this.receipts = receipts;
  }

  of(event: Event): Promise<Uint8Array> {
    const known = this.kept.get(event.id);
    if (known !== undefined) return known;
    const made = payloadOf(event, this.receipts);
    this.kept.set(event.id, made);
    made.catch(() => this.kept.delete(event.id));
    if (this.kept.size > PAYLOADS_KEPT) this.kept.delete(this.kept.keys().next().value!);
    return made;
  }
}

const PAYLOADS_KEPT = 64;
