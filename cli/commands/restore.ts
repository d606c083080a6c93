import { restoreBackup } from '../../nodes/backup.ts';
import { readGenesis } from '../../nodes/run-node.ts';
import type { Command } from '../command.ts';
import { exit } from '../exit-codes.ts';
import { sparsely } from '../progress.ts';

export const restore: Command = {
  name: 'restore',
  usage: '<backup> <data folder> --genesis <file>',
  summary: 'Puts a backup into a data folder that has no chain, after checking all of it.',
  help: `
Every file is compared with the manifest, and then the chain is checked as brop fsck does, before
any of it takes its place. A backup that was altered is refused, and the file is named (code 6061).

  brop restore /backups/2026-01-31 data --genesis genesis.cbor

A validator that has lost its vote record does not sign after a restore: it has to rejoin with a
new key. As a follower, the folder can be used at once.`,
  options: { genesis: { type: 'string', value: 'file', help: 'the genesis file of the chain' } },
  positionals: [2, 2],
  run: async (args, out) => {
    const [from, folder] = args.positionals as [string, string];
    const genesis = readGenesis(args.required('genesis'));
    const { height, firstHeight, blocks, entries } = await restoreBackup(from, folder, genesis, sparsely(out));
    out.line(
      `restored into ${folder}: height ${height}, ${blocks} blocks, ${entries} entries of the state, all checked`,
    );
    out.result({ ok: true, height, firstHeight, blocks, entries, folder });
    return exit.ok;
  },
};
