/** Where an event stands in the chain, and its ID, which says just that. */
import { toHex } from '../../codec/bytes.ts';
import type { Position } from '../../ports/subscription-store.ts';

/** Digits of the genesis hash in an ID: a consumer may listen to several chains. */
const CHAIN_DIGITS = 8;
const ID = /^evt_([0-9a-f]{8})_(0|[1-9]\d{0,14})_(0|[1-9]\d{0,4})_(0|[1-9]\d{0,4})$/;
const HEIGHT = /^(0|[1-9]\d{0,14})$/;

export function comparePositions(a: Position, b: Position): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** Before every event of this height. */
export function startOf(height: number): Position {
  return [height, 0, 0];
}

/** No block has so many transactions, no transaction so many events. */
const LAST = 99_999;

/** After every event of this height. */
export function endOf(height: number): Position {
  return [height, LAST, LAST];
}

/** The least position after this one. */
export function after([height, transaction, event]: Position): Position {
  return [height, transaction, event + 1];
}

/** `evt_`, the chain, height, transaction, event: the same on every node. Without a full stop, which signatures forbid. */
export function eventId(genesisHash: Uint8Array, [height, transaction, event]: Position): string {
  return `evt_${toHex(genesisHash).slice(0, CHAIN_DIGITS)}_${height}_${transaction}_${event}`;
}

/** The cursor of a place up to which all has been told: an event's ID, or a height. */
export function cursorAt(genesisHash: Uint8Array, position: Position): string {
  return position[1] === LAST ? String(position[0]) : eventId(genesisHash, position);
}

/** The cursor after which a position comes: of an event that has been, or could have been, before it. */
export function cursorBefore(genesisHash: Uint8Array, [height, transaction, event]: Position): string {
  if (event > 0) return eventId(genesisHash, [height, transaction, event - 1]);
  return transaction > 0 ? eventId(genesisHash, [height, transaction - 1, LAST]) : String(height - 1);
}

/**
 * A place to go on after: the ID of an event, or a height, whose events are all before it.
 * @returns the first position that is wanted; undefined when the text is neither, or an ID of another chain.
 */
export function cursorOf(genesisHash: Uint8Array, text: string): Position | undefined {
  if (HEIGHT.test(text)) return startOf(Number(text) + 1);
  const match = ID.exec(text);
  if (match === null || match[1] !== toHex(genesisHash).slice(0, CHAIN_DIGITS)) return undefined;
  return after([Number(match[2]), Number(match[3]), Number(match[4])]);
}
