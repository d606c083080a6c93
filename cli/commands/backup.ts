import { makeBackup } from '../../nodes/backup.ts';
import type { Command } from '../command.ts';
import { exit } from '../exit-codes.ts';
import { sparsely } from '../progress.ts';

export const backup: Command = {
  name: 'backup',
  usage: '<data folder> <new folder>',
  summary: 'Copies the chain of a stopped node, with a manifest of digests.',
  help: `
The backup holds the chain and the files that the node publishes. It holds no keys, and never the
vote record: restored, it would let a validator sign something else than it has signed.

  brop backup data /backups/2026-01-31

A node that runs on the folder must be stopped first (code 5004).`,
  options: {},
  positionals: [2, 2],
  run: async (args, out) => {
    const [folder, target] = args.positionals as [string, string];
    const { height, genesis, files } = await makeBackup(folder, target, sparsely(out));
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    out.line(`backup of height ${height} in ${target}: ${files.length} files, ${bytes} bytes`);
    out.line('  without keys and without the vote record');
    out.result({ ok: true, height, genesis, files: files.length, bytes, folder: target });
    return exit.ok;
  },
};
