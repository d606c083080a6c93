import { Counter, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { fakeApi, STATUS } from '../../test/api/fake-api.ts';

async function scrape(api: ReturnType<typeof fakeApi>['api']): Promise<string> {
  const response = await api.request('/metrics');
  expect(response.headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return response.text();
}

const sample = (text: string, name: string) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);

describe('happy', () => {
  it('reads the chain once per scrape, when it is scraped', async () => {
    let asked = 0;
    const status = async () => {
      asked += 1;
      return { ...STATUS, height: 100 + asked };
    };
    const { api } = fakeApi({ status });
    expect(asked).toBe(0);
    const text = await scrape(api);
    expect(asked).toBe(1);
    expect(sample(text, 'brop_height')).toBe(101);
    expect(sample(text, 'brop_block_age_seconds')).toBe(1);
    expect(sample(text, 'brop_peers')).toBe(3);
    expect(sample(text, 'brop_pending_transactions')).toBe(5);
    expect(sample(await scrape(api), 'brop_height')).toBe(102);
  });

  it('counts and times by route, method and status, next to what the process brought', async () => {
    const metrics = new Registry();
    new Counter({ name: 'of_the_process', help: 'x', registers: [metrics] }).inc();
    const { api } = fakeApi({}, { metrics });
    await api.request('/v1/blocks/12');
    await api.request('/v1/blocks/13');
    await api.request('/v1/blocks/latest');
    const text = await scrape(api);
    const route = 'route="/v1/blocks/:height",method="GET"';
    expect(text).toContain(`brop_http_requests_total{${route},status="200"} 2`);
    expect(text).toContain(`brop_http_requests_total{${route},status="404"} 1`);
    expect(text).toContain(`brop_http_request_duration_seconds_count{${route}} 3`);
    expect(sample(text, 'of_the_process')).toBe(1);
  });

  it('two apps in one process do not share what they count', async () => {
    const [a, b] = [fakeApi().api, fakeApi().api];
    await a.request('/v1/status');
    expect(await scrape(b)).not.toContain('/v1/status');
  });
});

describe('security', () => {
  it('strange paths and methods make no label of their own', async () => {
    const { api } = fakeApi();
    for (let i = 0; i < 50; i++) await api.request(`/scan/${i}`, { method: `M${i}` });
    const text = await scrape(api);
    expect(text).toContain('brop_http_requests_total{route="none",method="other",status="404"} 50');
    expect(text).not.toMatch(/scan|M1/);
  });
});
