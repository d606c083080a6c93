/** A part of a published file as the body of an answer, read piece by piece as fast as the client takes it. */

import type { PublishedFiles } from '../../node-core/ports/chain-files.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import { asBody } from '../views/proof.ts';
import type { Span } from './range.ts';

const PIECE_BYTES = 1 << 20;
/** A client that takes nothing for so long is given up: what it holds others may want. */
const STALLED_MS = 30_000;

/** @param ended is called once, when the last piece has gone or nobody wants it any more. */
export function fileStream(
  files: PublishedFiles,
  clock: Clock,
  path: string,
  { offset, length }: Span,
  ended: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const end = offset + length;
  let at = offset;
  let cancelTimer = () => {};
  const finish = () => {
    cancelTimer();
    ended();
  };
  const patience = (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => {
    cancelTimer();
    cancelTimer = clock.schedule(STALLED_MS, () => {
      controller.error(new Error('the client takes nothing'));
      ended();
    });
  };
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start: patience,
      pull: async (controller) => {
        patience(controller);
        try {
          const piece = await files.read(path, { range: { offset: at, length: Math.min(PIECE_BYTES, end - at) } });
          if (piece === undefined || piece.length === 0) throw new Error(`${path} ends at ${at}, before ${end}`);
          at += piece.length;
          controller.enqueue(asBody(piece));
          if (at < end) return;
          controller.close();
          finish();
        } catch (error) {
          finish();
          throw error;
        }
      },
      cancel: finish,
    },
    { highWaterMark: 0 },
  );
}
