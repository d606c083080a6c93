import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyFile, openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { describeSigner } from './signer.ts';

for (const suite of ['p256', 'ed25519', 'sm2'] as const) {
  describeSigner('key file', suite, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brop-signer-'));
    const path = join(folder, 'key.json');
    createKeyFile(path, suite);
    return {
      signer: openKeyFile(path),
      async cleanup() {
        rmSync(folder, { recursive: true });
      },
    };
  });
}
