import { openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { equal, toHex, utf8 } from '../../node-core/codec/bytes.ts';
import type { Command } from '../command.ts';
import { exit } from '../exit-codes.ts';
import { newFile } from '../files.ts';
import { knownGenesis } from '../home.ts';
import { approved, proposalText, readProposal } from '../validators/proposal.ts';
import { summaryJson, summaryLines } from '../validators/summary.ts';

export const validatorsApprove: Command = {
  name: 'validators approve',
  usage: '<proposal> --key <consensus key>',
  summary: 'Signs a change of the validator set as one of the validators in force.',
  help: `
Shows what changes, and adds the approval to the file. It needs no network: an approval counts on
the chain that the file names, for the change of exactly the set that it shows, and for nothing
else. It cannot be taken back. "brop validators show <proposal>" shows it without approving.

  brop validators show change.json
  brop validators approve change.json --key consensus-key.json`,
  options: {
    key: { type: 'string', value: 'file', help: 'key file of the consensus key, primary or standby' },
    genesis: { type: 'string', value: 'hash', help: "the chain that it must be for; default: the profile's, if any" },
    profile: { type: 'string', value: 'file', help: "client profile; default: the devnet's" },
  },
  positionals: [1, 1],
  run: async (args, out) => {
    const path = args.positionals[0]!;
    const keyFile = args.required('key');
    const before = await readProposal(path);
    const expected = knownGenesis(args);
    if (expected !== undefined && !equal(expected, before.genesisHash))
      throw new BropError('PROOF_GENESIS', `The proposal is for ${toHex(before.genesisHash)}.`);
    const { index, validator, proposal } = await approved(before, openKeyFile(keyFile), keyFile);
    newFile(path).write(utf8(proposalText(proposal)));
    for (const line of summaryLines(proposal)) out.line(line);
    out.line(`\napproved as validator ${index}, ${accountIdToText(validator.id)}; ${path} has the approval`);
    out.result({ ok: true, file: path, validator: index, ...summaryJson(proposal) });
    return exit.ok;
  },
};
