import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { bundleVerifier } from './bundle.ts';

const MAX_GZIPPED_BYTES = 60_000;

it('the verifier for browsers is under 60,000 bytes gzipped, with all suites and hashes', async () => {
  const { code, inputs } = await bundleVerifier();
  const gzipped = gzipSync(code, { level: 9 }).length;
  console.log(`sdk/verify.ts: ${code.length} bytes, ${gzipped} gzipped`);
  expect(gzipped).toBeLessThan(MAX_GZIPPED_BYTES);
  for (const part of ['suite-p256.ts', 'suite-ed25519.ts', 'suite-sm2.ts', 'sm3.ts', 'sha3.js', 'sha2.js']) {
    expect(
      inputs.some((input) => input.endsWith(part)),
      part,
    ).toBe(true);
  }
});

it('the verifier brings nothing that signs, submits or needs Node', async () => {
  const { inputs } = await bundleVerifier();
  const foreign = inputs.filter((input) =>
    /sdk\/(client|signer|settle|http|heights)\.ts$|adapters\/|runtime\/|^node:/.test(input),
  );
  expect(foreign).toEqual([]);
});

it('the whole SDK bundles for a browser too', async () => {
  const { code } = await bundleVerifier(fileURLToPath(new URL('../../sdk/index.ts', import.meta.url)));
  console.log(`sdk/index.ts: ${code.length} bytes, ${gzipSync(code, { level: 9 }).length} gzipped`);
});
