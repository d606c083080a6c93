import { describe, expect, it } from 'vitest';
import { stateKey } from '../../node-core/chain/state-keys.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { expectProblem, fakeApi, SENDER } from '../../test/api/fake-api.ts';

const account = accountIdToText(SENDER);

function recording() {
  const keys: Uint8Array[] = [];
  const made = fakeApi({
    stateProof: async (key) => {
      keys.push(key);
      return new Uint8Array([1]);
    },
  });
  return { ...made, keys };
}

describe('happy', () => {
  it.each([
    ['key=0aff', new Uint8Array([0x0a, 0xff])],
    [`account=${account}`, stateKey.account(SENDER)],
    [`record=${'11'.repeat(32)}`, stateKey.transaction(new Uint8Array(31).fill(0x11))],
    [`subject=lot%201%2F%E4%B8%AD&registrant=${account}`, stateKey.subject(SENDER, 'lot 1/中')],
  ])('?%s proves its state key', async (query, key) => {
    const { api, keys } = recording();
    const response = await api.request(`/v1/state-proof?${query}`);
    expect(response.headers.get('Content-Type')).toBe('application/vnd.brop.state-proof+cbor');
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(keys).toEqual([key]);
  });
});

describe('error', () => {
  it.each([
    '',
    'subject=x',
    `registrant=${account}`,
    `key=00&account=${account}`,
    `account=${account}&registrant=${account}`,
    'key=0',
    'key=',
    'key=AB',
    `key=${'00'.repeat(512)}`,
    'key=00&key=01',
    `subject=${'x'.repeat(257)}&registrant=${account}`,
    `subject=${'%E4%B8%AD'.repeat(86)}&registrant=${account}`,
    'account=brop1',
  ])('400 for ?%s', async (query) => {
    const { api, keys } = recording();
    await expectProblem(await api.request(`/v1/state-proof?${query}`), 'BAD_REQUEST', 400);
    expect(keys).toEqual([]);
  });

  it('404 before the first block', async () => {
    await expectProblem(await fakeApi().api.request('/v1/state-proof?key=00'), 'HEIGHT_NOT_REACHED', 404);
  });
});
