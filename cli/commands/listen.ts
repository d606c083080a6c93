import { setTimeout as pause } from 'node:timers/promises';
import { BropError } from '../../node-core/chain/codes.ts';
import type { ApiSchemas } from '../../sdk/api-client.ts';
import type { Arguments, Command, Output } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { PROFILE_OPTIONS, urlOf } from '../home.ts';
import { answerOf } from '../http.ts';
import { serverSentEvents } from '../server-sent-events.ts';

type Event = ApiSchemas['Event'];

const RECONNECT_MS = 2_000;
/** A node that has answered once may be away for so long. */
const MAX_AWAY_MS = 60_000;

export const EVENT_OPTIONS = {
  type: { type: 'string', value: 'type', multiple: true, help: 'a type of event; may be given more than once' },
  where: {
    type: 'string',
    value: 'field=value',
    multiple: true,
    help: 'a field that it must have; may be given more than once',
  },
  after: { type: 'string', value: 'cursor', help: 'the ID of an event, or a height: what comes after it' },
} as const;

export const listen: Command = {
  name: 'listen',
  usage: '[--type <type>] [--where <field=value>] [--after <cursor>] [--count <n>]',
  summary: 'Prints events as they become final.',
  help: `
Until Ctrl-C, or until --count have been printed. Without --type all of them; the types and their
fields are in docs/asyncapi.json. --after 0 begins with the first block; without it, now. When the
connection breaks it goes on where it was: nothing is left out.

  brop listen --type evidence.registered
  brop listen --type evidence.registered --where 'subject=lot 7' --after 0 --json
  brop listen --type block.final --count 1

With --json each event is one line. To be told without a connection of your own: brop webhook add.`,
  options: {
    ...EVENT_OPTIONS,
    count: { type: 'string', value: 'n', help: 'ends after so many' },
    ...PROFILE_OPTIONS,
  },
  positionals: [0, 0],
  run,
};

async function run(args: Arguments, out: Output): Promise<number> {
  const count = args.text('count') ?? '0';
  if (!/^\d{1,9}$/.test(count)) throw new ExitError(exit.usage, '--count is a number');
  const url = urlOf(args);
  const query = new URLSearchParams();
  for (const name of ['type', 'where']) for (const value of args.all(name)) query.append(name, value);
  let left = Number(count);
  let after = args.text('after');
  let heardMs: number | null = null;
  for (;;) {
    try {
      const body = await connect(url, query, after);
      if (heardMs === null) out.progress('listening; Ctrl-C ends it');
      for await (const { id, data } of serverSentEvents(body)) {
        heardMs = Date.now();
        if (data !== null) show(JSON.parse(data) as Event, out);
        if (id !== '') after = id;
        if (data !== null && --left === 0) return exit.ok;
      }
    } catch (error) {
      if (error instanceof SyntaxError || (error instanceof BropError && error.code !== 'NODE_UNREACHABLE'))
        throw error;
      if (heardMs === null || Date.now() - heardMs > MAX_AWAY_MS) throw error;
    }
    await pause(RECONNECT_MS);
  }
}

async function connect(url: string, query: URLSearchParams, after: string | undefined) {
  const headers = { accept: 'text/event-stream', ...(after !== undefined && { 'last-event-id': after }) };
  let response: Response;
  try {
    response = await fetch(new URL(`/v1/events/stream?${query}`, url), { headers });
  } catch (cause) {
    throw new BropError('NODE_UNREACHABLE', url, { cause });
  }
  if (!response.ok) await answerOf(response);
  return response.body as AsyncIterable<Uint8Array>;
}

function show(event: Event, out: Output): void {
  const { type, timestamp, height, data } = event;
  const fields = Object.entries(data).map(
    ([name, value]) => `${name}=${Array.isArray(value) ? value.join(',') : value}`,
  );
  out.line(`${timestamp}  ${height}  ${type}  ${fields.join('  ')}`);
  out.result({ ...event });
}
