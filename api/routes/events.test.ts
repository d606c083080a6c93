import { beforeEach, describe, expect, it } from 'vitest';
import { expectProblem, fakeApi } from '../../test/api/fake-api.ts';
import { DeliveryRig } from '../../test/middleware/delivery-rig.ts';
import { HEARTBEAT_MS, STALLED_MS } from '../http/event-stream.ts';
import type { Api } from '../parts.ts';

let rig: DeliveryRig;
let api: Api;

beforeEach(async () => {
  rig = await DeliveryRig.open();
  const limits = { maxStreams: 3, maxStreamsOfOne: 2 };
  api = fakeApi({}, { clock: rig.clock, events: rig.events, limits }).api;
});

interface Page {
  readonly events: readonly { readonly id: string; readonly type: string; readonly data: Record<string, unknown> }[];
  readonly next: string;
  readonly height: number;
}
const page = async (query: string) => (await (await api.request(`/v1/events?${query}`)).json()) as Page;

describe('GET /v1/events', () => {
  it('page by page, every event once, in order; and what comes later after the same cursor', async () => {
    for (const subject of ['a', 'b', 'c', 'd', 'e']) await rig.register(subject);
    const subjects: unknown[] = [];
    let after = '0';
    for (let last = -1; last !== 0; ) {
      const { events, next } = await page(`type=evidence.registered&limit=2&after=${after}`);
      subjects.push(...events.map(({ data }) => data.subject));
      [last, after] = [events.length, next];
    }
    expect(subjects).toEqual(['a', 'b', 'c', 'd', 'e']);
    await rig.register('f');
    expect((await page(`type=evidence.registered&after=${after}`)).events.map(({ data }) => data.subject)).toEqual([
      'f',
    ]);
  });

  it('filters by types and fields; without any it shows all', async () => {
    await rig.register('a', 'b');
    const { events } = await page('after=1&where=subject%3Db&type=evidence.registered');
    expect(events.map(({ data }) => data.subject)).toEqual(['b']);
    const types = (await page('after=1')).events.map(({ type }) => type);
    expect(types).toHaveLength(5);
    expect(types.at(-1)).toBe('block.final');
    const applied = await page('after=1&type=transaction.final&where=applied%3Dtrue&where=code%3D0');
    expect(applied.events).toHaveLength(2);
  });

  it.each([
    ['type=nothing', 'EVENT_TYPE_UNKNOWN', 400],
    ['type=block.final&where=subject%3Dx', 'EVENT_FIELD_UNKNOWN', 400],
    ['where=subject%3Dx', 'EVENT_FIELD_UNKNOWN', 400],
    ['type=evidence.registered&where=__proto__%3Dx', 'EVENT_FIELD_UNKNOWN', 400],
    ['type=evidence.registered&where=subject', 'BAD_REQUEST', 400],
    ['type=evidence.registered&where=subject%3Da&where=subject%3Db', 'BAD_REQUEST', 400],
    ['after=yesterday', 'EVENT_CURSOR_INVALID', 400],
    ['after=evt_00000000_1_0_0', 'EVENT_CURSOR_INVALID', 400],
    ['limit=0', 'BAD_REQUEST', 400],
    ['limit=101', 'BAD_REQUEST', 400],
    ['since=1', 'BAD_REQUEST', 400],
  ] as const)('%s: %s', async (query, code, status) => {
    for (const path of [`/v1/events?${query}`, `/v1/events/stream?${query}`]) {
      if (query.startsWith('limit') && path.includes('stream')) continue;
      await expectProblem(await api.request(path), code, status);
    }
  });

  it('old blocks count as requests, those at the head as the one that asks', async () => {
    const limits = { requestsPerSecond: 1, burst: 4 };
    api = fakeApi({}, { clock: rig.clock, events: rig.events, limits }).api;
    await rig.idle(40);
    const ask = (after: string) =>
      api.fetch(new Request(`http://x/v1/events?after=${after}`), { remoteAddress: '192.0.2.1' });
    expect((await ask('0')).status).toBe(200);
    await expectProblem(await ask('0'), 'TOO_MANY_REQUESTS', 429);
    await rig.pass(2_000);
    expect((await ask(String(rig.world.store.height - 10))).status).toBe(200);
  });

  it('a node without events has none', async () => {
    await expectProblem(await fakeApi().api.request('/v1/events'), 'NOT_FOUND', 404);
    await expectProblem(await fakeApi().api.request('/v1/events/stream'), 'NOT_FOUND', 404);
  });
});

/** Opens a stream; `next` gives what comes with the next piece, `end` goes away. */
async function open(query = '', headers: Record<string, string> = {}) {
  const response = await api.request(`/v1/events/stream?${query}`, { headers });
  expect(response.headers.get('Content-Type')).toBe('text/event-stream');
  const reader = response.body!.getReader();
  const next = async () => {
    const { value } = await reader.read();
    return value === undefined ? undefined : Buffer.from(value).toString();
  };
  expect(await next()).toMatch(/^retry: \d+\n/);
  return { next, end: () => reader.cancel(), reader };
}

describe('GET /v1/events/stream', () => {
  it('sends what becomes final from now on, with ID and type', async () => {
    await rig.register('before');
    const stream = await open('type=evidence.registered');
    const coming = stream.next();
    await rig.register('lot 1');
    const [id, type, data] = (await coming)!.split('\n');
    expect([id, type]).toEqual([expect.stringMatching(/^id: evt_/), 'event: evidence.registered']);
    expect(JSON.parse(data!.slice('data: '.length))).toMatchObject({ data: { subject: 'lot 1' } });
    await stream.end();
  });

  it('goes on after Last-Event-ID, before which `after` stands back', async () => {
    await rig.register('a');
    await rig.register('b');
    await rig.register('c');
    const [first] = (await page('type=evidence.registered&after=0')).events;
    const stream = await open('type=evidence.registered&after=0', { 'Last-Event-ID': first!.id });
    const piece = await stream.next();
    expect(piece!.match(/"subject":"(\w)"/g)).toEqual(['"subject":"b"', '"subject":"c"']);
    await stream.end();
  });

  it('what is long past comes as fast as the limit of the address allows', async () => {
    const limits = { requestsPerSecond: 1, burst: 4 };
    api = fakeApi({}, { clock: rig.clock, events: rig.events, limits }).api;
    await rig.register('old');
    await rig.idle(120);
    const request = new Request('http://x/v1/events/stream?type=evidence.registered&after=0');
    const response = await api.fetch(request, { remoteAddress: '192.0.2.1' });
    const reader = response.body!.getReader();
    await reader.read();
    await reader.read();
    await rig.register('new');
    let piece: string | null = null;
    const coming = reader.read().then(({ value }) => {
      piece = Buffer.from(value!).toString();
    });
    await rig.pass(500);
    expect(piece).toBeNull();
    for (let i = 0; i < 8; i++) await rig.pass(1_000);
    await coming;
    expect(piece).toContain('"subject":"new"');
    await reader.cancel();
  });

  it('shows that it lives, and moves the cursor past what is not wanted', async () => {
    const stream = await open('type=evidence.registered');
    const coming = stream.next();
    await rig.idle(3);
    await rig.pass(HEARTBEAT_MS + 1);
    expect(await coming).toBe(`id: ${rig.world.store.height}\n: alive\n\n`);
    await stream.end();
  });

  it('reads no further than the client does, and gives up one that takes nothing', async () => {
    const stream = await open('type=evidence.registered&after=0');
    for (let i = 0; i < 100; i++) await rig.register(`lot ${i}`);
    const subjects: string[] = [];
    while (subjects.length < 100) {
      const piece = (await stream.next())!;
      const found = piece.match(/"subject":"lot \d+"/g) ?? [];
      expect(found.length).toBeLessThanOrEqual(32);
      subjects.push(...found);
    }
    expect(new Set(subjects).size).toBe(100);
    await rig.register('one more');
    await stream.next();
    await rig.pass(STALLED_MS + 1);
    await expect(stream.reader.read()).rejects.toThrow('the client takes nothing');
  });

  it('so many at once, and each that ends makes room', async () => {
    const ask = (remoteAddress: string) => api.fetch(new Request('http://x/v1/events/stream'), { remoteAddress });
    const [first, second] = [await ask('192.0.2.1'), await ask('192.0.2.1')];
    await expectProblem(await ask('192.0.2.1'), 'TOO_MANY_REQUESTS', 429);
    const other = await ask('192.0.2.2');
    await expectProblem(await ask('192.0.2.3'), 'TOO_MANY_REQUESTS', 429);
    for (const response of [first, second, other]) await response.body!.cancel();
    const again = await ask('192.0.2.1');
    expect(again.status).toBe(200);
    await again.body!.cancel();
  });
});
