import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../node-core/codec/bytes.ts';
import type { SuiteName } from '../../node-core/crypto/provider.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import type { Signer } from '../../node-core/ports/signer.ts';

export interface SignerHarness {
  readonly signer: Signer;
  cleanup?(): Promise<void>;
}

const KEY_BYTES: Readonly<Record<SuiteName, number>> = { p256: 65, sm2: 65, ed25519: 32 };

/** Half the order of P-256 (SEC 2 §2.4.2), rounded down: the largest s that is low. */
const HALF_ORDER = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;

/** What every Signer must do; see node-core/ports/signer.ts. `suite` is the suite that the driver was asked for. */
export function describeSigner(name: string, suite: SuiteName, make: () => Promise<SignerHarness>): void {
  describe(`signer: ${name} (${suite})`, () => {
    let harness: SignerHarness;
    let signer: Signer;
    beforeEach(async () => {
      harness = await make();
      signer = harness.signer;
    });
    afterEach(() => harness.cleanup?.());

    const verifies = (message: Uint8Array, signature: Uint8Array) =>
      pureCrypto.verify(signer.publicKey, message, signature);

    it('has a public key of the form of its suite', () => {
      expect(signer.publicKey.suite).toBe(suite);
      expect(signer.publicKey.bytes.length).toBe(KEY_BYTES[suite]);
      if (suite !== 'ed25519') expect(signer.publicKey.bytes[0]).toBe(0x04);
    });

    it('signs messages of 0 bytes to 64 KiB, with 64 bytes that the pure implementation verifies', async () => {
      for (const size of [0, 1, 32, 64, 1_000, 65_535]) {
        const message = new Uint8Array(size).fill(size & 0xff);
        const signature = await signer.sign(message);
        expect(signature.length).toBe(64);
        expect(verifies(message, signature), `${size} bytes: ${toHex(signature)}`).toBe(true);
      }
    });

    it('signs the message and nothing else', async () => {
      const signature = await signer.sign(utf8('vote for block 7'));
      expect(verifies(utf8('vote for block 8'), signature)).toBe(false);
      signature[20]! ^= 1;
      expect(verifies(utf8('vote for block 7'), signature)).toBe(false);
    });

    it.skipIf(suite !== 'p256')('makes signatures with a low s only (40 of them)', async () => {
      for (let n = 0; n < 40; n++) {
        const signature = await signer.sign(utf8(`message ${n}`));
        expect(BigInt(`0x${toHex(signature.subarray(32))}`) <= HALF_ORDER, toHex(signature)).toBe(true);
      }
    });

    it('gives each of 50 calls at once the signature of its own message', async () => {
      const messages = Array.from({ length: 50 }, (_, n) => utf8(`message ${n}`));
      const signatures = await Promise.all(messages.map((message) => signer.sign(message)));
      for (const [n, signature] of signatures.entries()) {
        expect(verifies(messages[n]!, signature), `message ${n}`).toBe(true);
      }
    });

    it('signs the bytes as they were when it was called', async () => {
      const message = utf8('the first message');
      const signing = signer.sign(message);
      message.fill(0);
      expect(verifies(utf8('the first message'), await signing)).toBe(true);
    });
  });
}
