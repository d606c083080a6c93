import { assertDataFolder, fsckFolder } from '../../nodes/backup.ts';
import { readGenesis } from '../../nodes/run-node.ts';
import type { Command } from '../command.ts';
import { exit } from '../exit-codes.ts';
import { sparsely } from '../progress.ts';

export const fsck: Command = {
  name: 'fsck',
  usage: '<data folder> --genesis <file>',
  summary: 'Checks the store of a stopped node against its own hashes and certificates.',
  help: `
Looks at everything: each block from the genesis on (its parent, its certificate, its transactions
and results), the log and its tiles, every entry of the state, the state tree up to the newest
header, the indexes, the sealed segments. All that is wrong is named, one line each, and nothing is
changed. The vote record is not looked at: it is of no use to anybody but the node itself.

  brop fsck data --genesis genesis.cbor

Exit code 0 when all holds, 23 when not. A store that does not hold is rebuilt from other nodes:
stop the node, move the folders chain and files away, keep vote-record, start it again.`,
  options: { genesis: { type: 'string', value: 'file', help: 'the genesis file of the chain' } },
  positionals: [1, 1],
  run: async (args, out) => {
    const folder = args.positionals[0]!;
    const genesis = readGenesis(args.required('genesis'));
    assertDataFolder(folder);
    const { height, firstHeight, blocks, entries, findings } = await fsckFolder(folder, genesis, sparsely(out));
    for (const finding of findings) out.line(`BAD  ${finding}`);
    const checked = `${blocks} blocks from height ${firstHeight} on, state of height ${height} with ${entries} entries`;
    out.line(findings.length === 0 ? `OK   ${checked}` : `${findings.length} things are wrong in ${checked}`);
    out.line('     the vote record, if there is one, was not looked at');
    out.result({
      ok: findings.length === 0,
      height,
      firstHeight,
      blocks,
      entries,
      findings,
      voteRecord: 'not checked',
    });
    return findings.length === 0 ? exit.ok : exit.store;
  },
};
