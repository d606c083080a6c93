/** A token whose C_Sign never returns, which SoftHSM2 cannot be made to do: its adapter is replaced. */
import { afterEach, expect, test, vi } from 'vitest';
import type { Log } from '../../node-core/ports/log.ts';
import { openVotingKeys } from './voting-keys.ts';

vi.mock('../../adapters/signer-pkcs11/signer-pkcs11.ts', () => ({
  openPkcs11Signer: async ({ keyLabel }: { readonly keyLabel: string }) => ({
    publicKey: { suite: 'p256', bytes: new TextEncoder().encode(keyLabel) },
    sign: () => new Promise<never>(() => {}),
    close: () => {},
  }),
}));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

const say = () => {};
const log: Log = { debug: say, info: say, warn: say, error: say };
const token = (keyLabel: string) =>
  ({ driver: 'pkcs11', library: '/lib/hsm.so', tokenLabel: 't', keyLabel, pin: 'env:BROP_TEST_PIN' }) as const;

test('alone, beside another key, or as the standby of one: it has failed after its time', async () => {
  vi.stubEnv('BROP_TEST_PIN', 'pin');
  const alone = await openVotingKeys(token('a'), undefined, log);
  const auto = { driver: 'auto', primary: token('a'), standby: token('b'), returns: 0 } as const;
  const two = await openVotingKeys(auto, undefined, log);
  vi.useFakeTimers();
  const failures = [alone.signer, two.signer, two.standby!.signer].map((signer) =>
    signer.sign(new Uint8Array()).catch((error: Error) => error.message),
  );
  await vi.advanceTimersByTimeAsync(15_000);
  expect(await Promise.all(failures)).toEqual([15_000, 3_000, 15_000].map((ms) => `no signature within ${ms} ms`));
});
