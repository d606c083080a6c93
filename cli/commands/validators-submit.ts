import { BropError } from '../../node-core/chain/codes.ts';
import { equal, toHex } from '../../node-core/codec/bytes.ts';
import type { Command } from '../command.ts';
import { exit } from '../exit-codes.ts';
import { ACCOUNT_OPTIONS, type Chain, chainOf } from '../home.ts';
import { participantOf } from '../participant.ts';
import { setState } from '../proven-state.ts';
import { bodyOf, merged, notApproved, type Proposal, readProposal, standingOf } from '../validators/proposal.ts';
import { standingText, summaryJson } from '../validators/summary.ts';

export const validatorsSubmit: Command = {
  name: 'validators submit',
  usage: '<proposal…> [--key <account key>]',
  summary: 'Sends an approved change of the validator set to the chain.',
  help: `
Copies of one proposal that were approved apart from each other are given together. The operator
and validators may send it: who does makes no difference. Nothing is sent while approvals are
missing, or when the set in force or the height has moved on; the exit code is 4 then.

  brop validators submit change.json --key operator-key.json
  brop validators submit from-a.json from-b.json from-c.json --key account-key.json`,
  options: ACCOUNT_OPTIONS,
  positionals: [1, 100],
  run: async (args, out) => {
    const copies: { readonly path: string; readonly proposal: Proposal }[] = [];
    for (const path of args.positionals) copies.push({ path, proposal: await readProposal(path) });
    const proposal = merged(copies);
    const standing = standingOf(proposal);
    if (standing.missing > 0) throw notApproved(`nothing was sent: approved ${standingText(standing)}`);
    await checkState(chainOf(args), proposal);
    const { client, account } = await participantOf(args);
    const { summary } = await client.governance.setValidators(bodyOf(proposal), { label: 'validator set' });
    const { next, effectiveHeight } = proposal;
    out.line(
      `final in block ${summary.height}: from height ${effectiveHeight} on ${next.validators.length} validators`,
    );
    const { height, nonce } = summary;
    out.result({ ok: true, height, sender: account, nonce, ...summaryJson(proposal) });
    return exit.ok;
  },
};

/** What would be packed, rejected and charged for. */
async function checkState(chain: Chain, { genesisHash, current, since, effectiveHeight }: Proposal): Promise<void> {
  if (!equal(chain.genesisHash, genesisHash))
    throw new BropError('PROOF_GENESIS', `The proposal is for ${toHex(genesisHash)}.`);
  const state = await setState(chain);
  if (!equal(state.current.hash, current.hash) || state.since !== since)
    throw notApproved(
      'nothing was sent: the set in force is another than the approvals are for, or anew; propose the change anew',
    );
  if (state.pending !== null)
    throw new BropError('SET_PENDING', `It is effective at ${state.pending.effectiveHeight}; nothing was sent.`);
  if (effectiveHeight <= state.height + 1)
    throw new BropError(
      'SET_HEIGHT',
      `Effective at ${effectiveHeight}, the chain is at ${state.height}; propose it anew.`,
    );
}
