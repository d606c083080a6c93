import { loadConfig } from '../../nodes/config.ts';
import { runNode } from '../../nodes/run-node.ts';
import type { Command } from '../command.ts';
import { exit } from '../exit-codes.ts';

export const node: Command = {
  name: 'node',
  usage: '<config.json>',
  summary: 'Runs a validator or a follower from a config file until it is told to stop.',
  help: `
The config names the genesis, the data folder, the keys, the peers and the ports; an error in it
is one line that names the field. SIGINT (Ctrl-C) and SIGTERM end the node in order.

  { "role": "follower", "genesis": "genesis.cbor", "dataFolder": "data", "nodeKey": "node-key.pem",
    "peers": [{ "id": "<fingerprint>", "host": "127.0.0.1", "port": 4700 }],
    "api": { "host": "127.0.0.1", "port": 4680 } }

A validator has "role": "validator", "listen": { "host", "port" } and "consensusKey" as well: the path of a
key file, or { "driver": "pkcs11" | "kms" | "auto", … } (docs/on-premise.md).`,
  options: {},
  positionals: [1, 1],
  run: async (args, out) => {
    const running = await runNode(loadConfig(args.positionals[0]!));
    const { height } = running.node.store;
    out.line(
      `the node runs at height ${height}${running.apiUrl === null ? '' : `, API ${running.apiUrl}`}; Ctrl-C ends it`,
    );
    out.result({ ok: true, running: true, height, api: running.apiUrl });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void running.stop());
    const error = await running.ended;
    if (error !== null) throw error;
    return exit.ok;
  },
};
