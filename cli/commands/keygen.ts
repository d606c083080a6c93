import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { createKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { createNodeIdentity } from '../../adapters/transport-mtls/identity.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { keyId } from '../../node-core/crypto/keys.ts';
import type { Command } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';

const SUITES = ['p256', 'ed25519', 'sm2'] as const;

export const keygen: Command = {
  name: 'keygen',
  usage: '<file> [--suite p256|ed25519|sm2] [--node]',
  summary: 'Makes a key in a new file that only its owner can read.',
  help: `
Account and consensus keys are JSON key files; --node makes the TLS key of a node (PEM)
and prints the fingerprint that other nodes pin. An existing file is never overwritten.

  brop keygen partner-key.json --suite ed25519
  brop keygen node-key.pem --node`,
  options: {
    suite: { type: 'string', value: 'suite', help: 'p256 (default), ed25519 or sm2' },
    node: { type: 'boolean', help: 'a TLS key for a node instead' },
  },
  positionals: [1, 1],
  run: async (args, out) => {
    const path = args.positionals[0]!;
    if (args.flag('node')) {
      const { peerId } = createNodeIdentity(path);
      out.line(`node key in ${path}\nfingerprint ${peerId}`);
      out.result({ ok: true, file: path, peerId });
      return exit.ok;
    }
    const suite = SUITES.find((name) => name === (args.text('suite') ?? 'p256'));
    if (suite === undefined) throw new ExitError(exit.usage, `--suite is one of ${SUITES.join(', ')}`);
    const publicKey = createKeyFile(path, suite);
    const id = toHex(keyId(nativeCrypto, publicKey));
    out.line(`${suite} key in ${path}\npublic key ${toHex(publicKey.bytes)}\nkey ID ${id}`);
    out.result({ ok: true, file: path, suite, publicKey: toHex(publicKey.bytes), keyId: id });
    return exit.ok;
  },
};
