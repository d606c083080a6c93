import { chownSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { loadConfig } from '../../nodes/config.ts';
import type { Command } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';

export const signerPrimary: Command = {
  name: 'signer primary',
  usage: '<config.json>',
  summary: 'Sends a validator that signs with its standby key back to its primary one.',
  help: `
A validator whose primary key has failed goes on with its standby key, and stays with it over restarts,
whether or not the primary one is there again. This is the command to go back: it adds one to
"consensusKey.returns" in the config. Then restart the node. Whose config comes from elsewhere (BROP_CONFIG,
a template) adds one there. First make sure that the primary key works: what the log says at the start.

  brop signer primary /etc/brop/node.json && systemctl restart brop-node`,
  options: {},
  positionals: [1, 1],
  run: async (args, out) => {
    const path = args.positionals[0]!;
    const config = loadConfig(path);
    if (config.role !== 'validator' || config.consensusKey.driver !== 'auto')
      throw new ExitError(exit.usage, `${path}: no validator with a primary and a standby key ("driver": "auto")`);
    const returns = config.consensusKey.returns + 1;
    // As it stands in the file: paths stay relative.
    const written = JSON.parse(readFileSync(path, 'utf8')) as { readonly consensusKey: object };
    const next = { ...written, consensusKey: { ...written.consensusKey, returns } };
    // Whoever runs this may not be whom the node runs as: it must still be able to read its config.
    const { mode, uid, gid } = statSync(path);
    writeFileSync(`${path}.tmp`, `${JSON.stringify(next, null, 2)}\n`, { mode: mode & 0o777, flush: true });
    chownSync(`${path}.tmp`, uid, gid);
    renameSync(`${path}.tmp`, path);
    out.line(`consensusKey.returns is ${returns} now: restart the node, and its primary key signs again`);
    out.result({ ok: true, returns });
    return exit.ok;
  },
};
