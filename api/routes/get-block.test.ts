import { describe, expect, it } from 'vitest';
import { expectProblem, fakeApi, STATUS } from '../../test/api/fake-api.ts';
import { blockSchema } from '../views/block.ts';

describe('happy', () => {
  it('by height never changes; latest is never stored; both say the same', async () => {
    const { api } = fakeApi();
    const byHeight = await api.request('/v1/blocks/12');
    const latest = await api.request('/v1/blocks/latest');
    expect(byHeight.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
    expect(latest.headers.get('Cache-Control')).toBe('no-store');
    const body: unknown = await byHeight.json();
    expect(await latest.json()).toEqual(body);
    expect(blockSchema.strict().parse(body)).toMatchObject({
      height: 12,
      time: '2023-11-14T22:13:19.000Z',
      transactions: [{ code: 2101, name: 'NAME_TAKEN', operation: 0, logIndex: null }],
      links: { self: '/v1/blocks/12', parent: '/v1/blocks/11' },
    });
  });

  it('answers 304 for a known tag', async () => {
    const { api } = fakeApi();
    const tag = (await api.request('/v1/blocks/12')).headers.get('ETag')!;
    for (const known of [tag, `W/${tag}`, `"a", ${tag}`, '*']) {
      expect((await api.request('/v1/blocks/12', { headers: { 'If-None-Match': known } })).status, known).toBe(304);
    }
    expect((await api.request('/v1/blocks/12', { headers: { 'If-None-Match': '"a"' } })).status).toBe(200);
  });
});

describe('error', () => {
  it('tells a height to come from one that is no block, and from one that this node lacks', async () => {
    const { api } = fakeApi();
    await expectProblem(await api.request('/v1/blocks/13'), 'HEIGHT_NOT_REACHED', 404);
    await expectProblem(await api.request('/v1/blocks/0'), 'NOT_FOUND', 404);
    await expectProblem(await api.request('/v1/blocks/11'), 'NOT_FOUND', 404);
    const empty = fakeApi({ status: async () => ({ ...STATUS, height: 0 }) });
    await expectProblem(await empty.api.request('/v1/blocks/latest'), 'HEIGHT_NOT_REACHED', 404);
  });
});

describe('security', () => {
  it.each(['-1', '1e3', 'Latest', '12%20', '012', '99999999999999999999', '12;drop', '%2e%2e', '12%0d%0aX-Evil:1'])(
    '400 for height %s',
    async (height) => {
      const response = await fakeApi().api.request(`/v1/blocks/${height}`);
      // `%2e%2e` is resolved by every URL parser, before it gets here.
      if (height === '%2e%2e') await expectProblem(response, 'NOT_FOUND', 404);
      else await expectProblem(response, 'BAD_REQUEST', 400);
    },
  );
});
