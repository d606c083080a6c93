import { describe, expect, it } from 'vitest';
import { expectProblem, fakeApi, NOW_MS, STATUS } from '../../test/api/fake-api.ts';

const OLDEST_MS = 3 * STATUS.blockIntervalMs + 10_000;

const at = (ageMs: number, more: Partial<typeof STATUS> = {}) =>
  fakeApi({ status: async () => ({ ...STATUS, timeMs: NOW_MS - ageMs, ...more }) }).api.request('/healthz');

describe('happy', () => {
  it('healthy up to three block intervals and 10 s', async () => {
    const response = await at(OLDEST_MS);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: 'ok',
      ageMs: OLDEST_MS,
      maxAgeMs: OLDEST_MS,
      behindBlocks: 0,
    });
  });

  it('starting at height 0, however old the genesis is', async () => {
    const response = await at(1e9, { height: 0, bestPeerHeight: 0 });
    expect([response.status, ((await response.json()) as { status: string }).status]).toEqual([200, 'starting']);
  });

  it('a clock a little behind the proposer does no harm', async () => {
    expect(await (await at(-500)).json()).toMatchObject({ status: 'ok', ageMs: 0 });
  });
});

describe('error', () => {
  it.each([
    [{ bestPeerHeight: 40 }, 'catching up, 28 blocks behind', 28],
    [{ peers: 0, bestPeerHeight: 0 }, 'no peer is connected', 0],
    [{ height: 0 }, 'catching up, 12 blocks behind', 12],
    [{ height: 0, peers: 0, bestPeerHeight: 0 }, 'no peer is connected', 0],
    [{}, 'stands still, as far as 3 peers know', 0],
  ])('503 one millisecond later, with the reason: %o', async (more, reason, behindBlocks) => {
    const response = await at(OLDEST_MS + 1, more);
    const problem = await expectProblem(response, 'NOT_SYNCED', 503);
    expect(problem.detail).toContain(reason);
    expect(problem).toMatchObject({ behindBlocks, ageMs: OLDEST_MS + 1 });
    expect(response.headers.get('Retry-After')).toBe('1');
  });
});
