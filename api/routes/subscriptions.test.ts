import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../node-core/ports/audit-log.ts';
import { expectProblem, fakeApi } from '../../test/api/fake-api.ts';
import { knows, logIn, ORIGIN, person } from '../../test/api/log-in.ts';
import { DeliveryRig } from '../../test/middleware/delivery-rig.ts';
import type { Api } from '../parts.ts';

const ANN = person(3);
const BOB = person(4);
const URL = 'https://partner.example/hook';
const MANAGE = ['subscriptions:manage'];

let rig: DeliveryRig;
let api: Api;
let ann: Awaited<ReturnType<typeof logIn>>;
let bob: Awaited<ReturnType<typeof logIn>>;
let audit: AuditEntry[];

beforeEach(async () => {
  rig = await DeliveryRig.open();
  audit = [];
  const log = {
    append: (entry: Omit<AuditEntry, 'number'>) => void audit.push({ ...entry, number: 1 }),
    of: async () => [],
  };
  const options = { clock: rig.clock, events: rig.events, subscriptions: rig.subscriptions, audit: log };
  api = fakeApi(
    { account: knows(ANN, BOB) },
    {
      ...{ ...options, authentication: { origins: [ORIGIN] } },
      limits: { accountRequestsPerSecond: 0 },
    },
  ).api;
  ann = await logIn(api, ANN, MANAGE);
  bob = await logIn(api, BOB, MANAGE);
});

async function create(body: object = {}) {
  const response = await ann('POST', '/v1/subscriptions', { url: URL, types: ['evidence.registered'], ...body });
  expect(response.status).toBe(201);
  const made = (await response.json()) as Record<string, unknown> & { readonly id: string };
  expect(response.headers.get('Location')).toBe(`/v1/subscriptions/${made.id}`);
  return { made, path: `/v1/subscriptions/${made.id}` };
}

describe('subscriptions', () => {
  it('are made, shown, changed and ended by their owner, and delivered meanwhile', async () => {
    const { made, path } = await create({ filter: { subject: 'lot 1' } });
    const { verificationKey, ...shown } = made;
    expect(shown).toMatchObject({
      ...{ owner: ANN.text, url: URL, status: 'active', types: ['evidence.registered'], filter: { subject: 'lot 1' } },
      ...{ delivered: String(rig.world.store.height), behind: false, failing: null, disabled: null },
      keys: [{ signature: 'v1a', publicKey: verificationKey, untilMs: null }],
    });
    await rig.register('lot 1', 'lot 2');
    expect(rig.deliveries.map(({ url, event }) => [url, event.data.subject])).toEqual([[URL, 'lot 1']]);
    const listed = await (await ann('GET', '/v1/subscriptions')).json();
    expect(listed).toEqual({ subscriptions: [{ ...shown, delivered: rig.deliveries[0]!.id }] });
    const changed = await ann('PATCH', path, { filter: { subject: 'lot 2' }, description: 'mine' });
    expect(await changed.json()).toMatchObject({ filter: { subject: 'lot 2' }, description: 'mine' });
    await rig.register('lot 1', 'lot 2');
    expect(rig.deliveries.at(-1)!.event.data.subject).toBe('lot 2');
    expect((await ann('DELETE', path)).status).toBe(204);
    await expectProblem(await ann('GET', path), 'NOT_FOUND', 404);
    await rig.register('lot 2');
    expect(rig.deliveries).toHaveLength(2);
    expect(audit.map(({ action, outcome }) => [action, outcome]).slice(2)).toEqual([
      ['subscription.create', 'done'],
      ['subscription.update', 'done'],
      ['subscription.remove', 'done'],
    ]);
  });

  it('changes of different fields at once, and a new key, are all in force afterwards', async () => {
    const { path } = await create();
    const responses = await Promise.all([
      ann('PATCH', path, { description: 'mine' }),
      ann('POST', `${path}/rotate`, {}),
      ann('PATCH', path, { filter: { subject: 'lot 2' } }),
    ]);
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
    const shown = (await (await ann('GET', path)).json()) as { readonly keys: readonly unknown[] };
    expect(shown).toMatchObject({ description: 'mine', filter: { subject: 'lot 2' } });
    expect(shown.keys).toHaveLength(2);
  });

  it('from a place on: what has been since comes too, once', async () => {
    const height = rig.world.store.height;
    await rig.register('lot 1');
    await create({ after: String(height) });
    await rig.settle();
    await rig.register('lot 2');
    expect(rig.deliveries.map(({ event }) => event.data.subject)).toEqual(['lot 1', 'lot 2']);
  });

  it('survive the process, and a new one has not been asked for what was before it', async () => {
    await rig.register('lot 1');
    await create();
    await rig.crash();
    await rig.register('lot 2');
    expect(rig.deliveries.map(({ event }) => event.data.subject)).toEqual(['lot 2']);
  });

  it('a shared secret is shown when it is made, and never again', async () => {
    const { made, path } = await create({ signature: 'v1' });
    expect(made.verificationKey).toMatch(/^whsec_/);
    for (const answer of [await ann('GET', path), await ann('GET', '/v1/subscriptions')])
      expect(await answer.text()).not.toContain('whsec_');
    const rotated = (await (await ann('POST', `${path}/rotate`, { signature: 'v1' })).json()) as typeof made;
    expect(rotated.verificationKey).toMatch(/^whsec_/);
    expect(rotated.verificationKey).not.toBe(made.verificationKey);
    expect(rotated.keys).toMatchObject([{ untilMs: null }, { untilMs: rig.clock.now() + 86_400_000 }]);
    expect(JSON.stringify(audit)).not.toContain('whsec_');
  });

  it('disabled and enabled, tested, replayed; each attempt is told', async () => {
    const first = rig.world.store.height;
    const { path } = await create();
    await rig.register('lot 1');
    expect(await (await ann('PATCH', path, { enabled: false })).json()).toMatchObject({ status: 'disabled' });
    await rig.register('lot 2');
    await expectProblem(await ann('POST', `${path}/replay`, { after: '0' }), 'SUBSCRIPTION_DISABLED', 409);
    expect(rig.deliveries).toHaveLength(1);
    await ann('PATCH', path, { enabled: true });
    await rig.settle();
    expect((await ann('POST', `${path}/replay`, { after: String(first), throughHeight: first + 1 })).status).toBe(202);
    await rig.settle();
    const ping = await ann('POST', `${path}/ping`);
    expect(await ping.json()).toMatchObject({ type: 'webhook.ping', status: 204, failure: null });
    const { attempts } = (await (await ann('GET', `${path}/attempts`)).json()) as { attempts: { type: string }[] };
    expect(attempts.map(({ type }) => type)).toEqual(['webhook.ping', ...Array(3).fill('evidence.registered')]);
    expect(rig.deliveries.map(({ event }) => event.data.subject)).toEqual(['lot 1', 'lot 2', 'lot 1', undefined]);
  });
});

describe('what is refused', () => {
  it('nobody but the owner sees or changes one', async () => {
    const { path, made } = await create();
    for (const [method, suffix, body] of [
      ['GET', ''],
      ['PATCH', '', { enabled: false }],
      ['DELETE', ''],
      ['POST', '/ping'],
      ['POST', '/replay', { after: '0' }],
      ['POST', '/rotate', {}],
      ['GET', '/attempts'],
    ] as const) {
      const answer = await expectProblem(await bob(method, path + suffix, body), 'NOT_FOUND', 404);
      expect(answer.detail).toBe('your account has no such subscription');
      await expectProblem(await api.request(path + suffix, { method }), 'AUTHENTICATION_REQUIRED', 401);
    }
    expect(await (await bob('GET', '/v1/subscriptions')).json()).toEqual({ subscriptions: [] });
    expect(await (await ann('GET', path)).json()).toMatchObject({ id: made.id, status: 'active' });
  });

  it('another scope', async () => {
    const reader = await logIn(api, ANN, ['records:read']);
    await expectProblem(await reader('GET', '/v1/subscriptions'), 'SCOPE_MISSING', 403);
  });

  it.each([
    [{ url: 'http://10.0.0.1/' }, 'WEBHOOK_URL_REFUSED', 422],
    [{ url: '' }, 'BAD_REQUEST', 400],
    [{ types: ['evidence.changed'] }, 'EVENT_TYPE_UNKNOWN', 400],
    [{ filter: { colour: 'red' } }, 'EVENT_FIELD_UNKNOWN', 400],
    [{ filter: { subject: ['a'] } }, 'BAD_REQUEST', 400],
    [{ filter: Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`attributes.a${i}`, 1])) }, 'BAD_REQUEST', 400],
    [{ after: 'yesterday' }, 'EVENT_CURSOR_INVALID', 400],
    [{ after: 'evt_00000000_1_0_0' }, 'EVENT_CURSOR_INVALID', 400],
    [{ after: '1000000' }, 'HEIGHT_NOT_REACHED', 404],
    [{ signature: 'v2' }, 'BAD_REQUEST', 400],
    [{ secret: 'mine' }, 'BAD_REQUEST', 400],
    [{ description: 'x'.repeat(257) }, 'BAD_REQUEST', 400],
  ] as const)('%j', async (body, code, status) => {
    const answer = await ann('POST', '/v1/subscriptions', { url: URL, types: ['evidence.registered'], ...body });
    await expectProblem(answer, code, status);
    expect(await (await ann('GET', '/v1/subscriptions')).json()).toEqual({ subscriptions: [] });
  });

  it('more than a hundred of one account, and not another one’s', async () => {
    for (let i = 0; i < 100; i++) await create();
    await expectProblem(await ann('POST', '/v1/subscriptions', { url: URL }), 'SUBSCRIPTIONS_FULL', 409);
    expect((await bob('POST', '/v1/subscriptions', { url: URL })).status).toBe(201);
  });

  it('IDs that are none, bodies that are too large, a node that delivers nothing', async () => {
    await expectProblem(await ann('GET', '/v1/subscriptions/sub_x'), 'BAD_REQUEST', 400);
    await expectProblem(await ann('POST', '/v1/subscriptions', { url: 'x'.repeat(20_000) }), 'BODY_TOO_LARGE', 413);
    const { api: other } = fakeApi({ account: knows(ANN) }, { authentication: { origins: [ORIGIN] } });
    await expectProblem(await (await logIn(other, ANN, MANAGE))('GET', '/v1/subscriptions'), 'NOT_FOUND', 404);
  });
});
