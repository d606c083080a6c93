/** `brop status` against an API that says what the test wants. */
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { afterEach, expect, test } from 'vitest';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { fakeApi, SENDER, STATUS } from '../api/fake-api.ts';
import { brop } from './run.ts';

let close = () => {};
afterEach(() => close());

async function statusOf(equivocations: { count: number; validators: Uint8Array[] }, standbySigners: Uint8Array[] = []) {
  const { api } = fakeApi({ status: async () => ({ ...STATUS, equivocations, standbySigners }) });
  const server = serve({ fetch: api.fetch, port: 0, hostname: '127.0.0.1' });
  close = () => void server.close();
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, plain: await brop(['status', '--url', url]), json: await brop(['status', '--url', url, '--json']) };
}

test('a validator that has contradicted itself stands out, with where its evidence is', async () => {
  const { url, plain, json } = await statusOf({ count: 2, validators: [SENDER] });
  const who = accountIdToText(SENDER);
  expect(plain.exitCode).toBe(0);
  expect(plain.stdout).toContain(`equivocations      2 by ${who}: evidence at ${url}/v1/equivocations\n`);
  expect(json.json()).toMatchObject({ ok: true, height: 12, equivocations: { count: 2, validators: [who] } });
});

test('without one it says so', async () => {
  const { plain } = await statusOf({ count: 0, validators: [] });
  expect(plain.stdout).toMatch(/^equivocations +\{"count":0,"validators":\[\]\}$/m);
});

test('a validator whose primary key is out of use is an alarm, with where to read on', async () => {
  const { plain, json } = await statusOf({ count: 0, validators: [] }, [SENDER]);
  const who = accountIdToText(SENDER);
  expect(plain.stdout).toContain(
    `standbySigners     ALARM: ${who} signs with the standby key (docs/runbook.md, signer-fallback)\n`,
  );
  expect(json.json()).toMatchObject({ ok: true, standbySigners: [who] });
});
