/** Reads a stream of Server-Sent Events (WHATWG HTML §9.2.6), piece by piece. */
import { StringDecoder } from 'node:string_decoder';
import { ExitError, exit } from './exit-codes.ts';

export interface ServerSentEvent {
  /** The last ID of the stream so far. */
  readonly id: string;
  /** null: a sign of life, which may have moved the ID. */
  readonly data: string | null;
}

/** A server that never ends a line must not fill the memory. */
const MAX_LINE_CHARACTERS = 1 << 20;

export async function* serverSentEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  // Pieces end anywhere, within a character too.
  const decoder = new StringDecoder('utf8');
  let [rest, id] = ['', ''];
  let data: string[] = [];
  for await (const piece of body) {
    const lines = (rest + decoder.write(Buffer.from(piece))).split(/\r\n|\n|\r/);
    rest = lines.pop()!;
    if (rest.length > MAX_LINE_CHARACTERS) throw new ExitError(exit.failure, 'the node sends a line without end');
    for (const line of lines) {
      if (line === '') {
        yield { id, data: data.length === 0 ? null : data.join('\n') };
        data = [];
        continue;
      }
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'id' && !value.includes('\0')) id = value;
      if (field === 'data') data.push(value);
    }
  }
}
