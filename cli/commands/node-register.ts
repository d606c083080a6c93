import { loadNodeIdentity } from '../../adapters/transport-mtls/identity.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { fromHex } from '../../node-core/codec/bytes.ts';
import type { Command } from '../command.ts';
import { exit } from '../exit-codes.ts';
import { ACCOUNT_OPTIONS } from '../home.ts';
import { participantOf } from '../participant.ts';
import { readPublicKey } from '../public-keys.ts';

export const registerNode: Command = {
  name: 'node register',
  usage: '<node key | fingerprint> [--note-key <file>]',
  summary: 'Registers the key of a node on chain: other nodes then let it in.',
  help: `
Every participant may run nodes, up to 16; those of the genesis are registered from the start. The
account of the profile answers for the node. With --note-key it is known which key signs the
checkpoints that the node publishes. To change that, register the node again.

  brop keygen node-key.pem --node
  brop node register node-key.pem --key account-key.json
  brop node register 3f0a… --note-key note-key.json`,
  options: {
    'note-key': { type: 'string', value: 'file', help: 'key of its checkpoints (Ed25519); the public part is read' },
    ...ACCOUNT_OPTIONS,
  },
  positionals: [1, 1],
  run: async (args, out) => {
    const fingerprint = fingerprintOf(args.positionals[0]!);
    const noteFile = args.text('note-key');
    const noteKey = noteFile === undefined ? undefined : await readPublicKey(noteFile);
    if (noteKey !== undefined && noteKey.suite !== 'ed25519')
      throw new BropError('CONFIG_INVALID', `${noteFile}: checkpoints are signed with Ed25519, not ${noteKey.suite}.`);
    const { client, account } = await participantOf(args);
    const body = { nodeKey: fromHex(fingerprint), ...(noteKey !== undefined && { noteKey }) };
    const { height } = (await client.governance.registerNode(body, { label: fingerprint })).summary;
    out.line(`registered in block ${height}: node ${fingerprint} of ${account}`);
    out.result({ ok: true, height, node: fingerprint, account });
    return exit.ok;
  },
};

export const unregisterNode: Command = {
  name: 'node unregister',
  usage: '<node key | fingerprint>',
  summary: 'Takes the registration of a node back: other nodes turn it away.',
  help: `
Only the account that registered the node can do so.

  brop node unregister node-key.pem --key account-key.json`,
  options: ACCOUNT_OPTIONS,
  positionals: [1, 1],
  run: async (args, out) => {
    const fingerprint = fingerprintOf(args.positionals[0]!);
    const { client, account } = await participantOf(args);
    const body = { nodeKey: fromHex(fingerprint) };
    const { height } = (await client.governance.unregisterNode(body, { label: fingerprint })).summary;
    out.line(`unregistered in block ${height}: node ${fingerprint} of ${account}`);
    out.result({ ok: true, height, node: fingerprint, account });
    return exit.ok;
  },
};

/** A fingerprint as `brop keygen --node` prints it, or of the key in the file. */
function fingerprintOf(given: string): string {
  if (/^[0-9a-f]{64}$/.test(given)) return given;
  try {
    return loadNodeIdentity(given).peerId;
  } catch (error) {
    const reason = error instanceof Error ? ('code' in error ? String(error.code) : error.message) : String(error);
    throw new BropError('FILE_UNREADABLE', `${given} is neither a fingerprint nor a node key: ${reason}`);
  }
}
