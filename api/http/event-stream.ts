/**
 * Events as Server-Sent Events (WHATWG HTML §9.2). They are read from the chain when the client takes them: a slow client
 * holds one small piece in memory and a place in the chain, and misses nothing.
 */
import type { EventLog } from '../../node-core/middleware/events/event-log.ts';
import { eventView } from '../../node-core/middleware/events/event-view.ts';
import type { EventFilter } from '../../node-core/middleware/events/filter.ts';
import { cursorBefore } from '../../node-core/middleware/events/position.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { Position } from '../../node-core/ports/subscription-store.ts';
import type { ApiLimits } from '../limits.ts';
import { BLOCKS_PER_REQUEST, furtherRequests } from './charge.ts';

/** Between two signs of life, when nothing happens: proxies end connections that are silent for a minute. */
export const HEARTBEAT_MS = 15_000;
/** A client that takes nothing for so long is given up, and comes back with `Last-Event-ID`. */
export const STALLED_MS = 60_000;
/** How long a client waits before it comes back. */
const RETRY_MS = 2_000;
const PAY_AGAIN_MS = 1_000;
const PIECE = { maxEvents: 32, maxBlocks: 64 };

export interface StreamParts {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly limits: Pick<ApiLimits, 'maxStreamMs' | 'maxStreamBytes'>;
}

export interface StreamReader {
  /** Takes so many requests from what the client may make; false when that is too many now. */
  pay(requests: number): boolean;
  /** Is called once, when the client has gone or is given up, or the stream has reached its limit. */
  ended(): void;
}

/** Who reads what is long past waits its turn, as its pages would. */
export function eventStream(
  { log, clock, limits }: StreamParts,
  from: Position,
  filter: EventFilter,
  { pay, ended }: StreamReader,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const gone = new AbortController();
  const until = clock.now() + limits.maxStreamMs;
  let sentBytes = 0;
  let position = from;
  let cancelStall = () => {};
  const end = () => {
    cancelStall();
    gone.abort();
    ended();
  };
  const isOver = () => clock.now() >= until || sentBytes >= limits.maxStreamBytes;
  // An ID without data moves the client's cursor past what it does not want.
  const alive = () => `id: ${cursorBefore(log.genesisHash, position)}\n: alive\n\n`;
  const nextPiece = async (): Promise<string> => {
    const cost = furtherRequests(Math.min(PIECE.maxBlocks, log.height - position[0] + 1), BLOCKS_PER_REQUEST);
    if (cost > 0 && !pay(cost)) {
      await new Promise<void>((turn) => void clock.schedule(PAY_AGAIN_MS, turn));
      return isOver() ? alive() : '';
    }
    const { events, next } = await log.from(position, filter, PIECE);
    position = next;
    if (events.length > 0) return events.map((event) => message(eventView(event))).join('');
    if (position[0] <= log.height) return isOver() ? alive() : '';
    const patienceMs = Math.min(HEARTBEAT_MS, until - clock.now());
    const isNew = await waitNext({ log, clock }, position[0] - 1, patienceMs, gone.signal);
    return gone.signal.aborted || (isNew && !isOver()) ? '' : alive();
  };
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n: events\n\n`)),
      pull: async (controller) => {
        cancelStall();
        try {
          let piece = '';
          while (piece === '' && !gone.signal.aborted) {
            piece = await nextPiece();
            // Many blocks without anything wanted must not keep others waiting.
            if (piece === '') await new Promise<void>((turn) => void clock.schedule(0, turn));
          }
          if (gone.signal.aborted) return;
          const bytes = encoder.encode(piece);
          controller.enqueue(bytes);
          sentBytes += bytes.length;
          if (isOver()) {
            end();
            controller.close();
            return;
          }
          cancelStall = clock.schedule(STALLED_MS, () => {
            controller.error(new Error('the client takes nothing'));
            end();
          });
        } catch (error) {
          end();
          throw error;
        }
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

/** false after so long without a block, and when the client has gone. */
async function waitNext(
  { log, clock }: Pick<StreamParts, 'log' | 'clock'>,
  above: number,
  patienceMs: number,
  gone: AbortSignal,
): Promise<boolean> {
  const patience = new AbortController();
  const cancel = clock.schedule(Math.max(0, patienceMs), () => patience.abort());
  try {
    return await log.waitAbove(above, AbortSignal.any([patience.signal, gone]));
  } finally {
    cancel();
  }
}

function message(view: ReturnType<typeof eventView>): string {
  return `id: ${view.id}\nevent: ${view.type}\ndata: ${JSON.stringify(view)}\n\n`;
}
