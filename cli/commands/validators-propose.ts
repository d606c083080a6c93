import { existsSync } from 'node:fs';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { MAX_HEIGHTS_AHEAD } from '../../node-core/chain/operations/set-validators.ts';
import type { Validator } from '../../node-core/chain/validator-set.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { equal, utf8 } from '../../node-core/codec/bytes.ts';
import { isSameKey } from '../../node-core/crypto/keys.ts';
import { createClient } from '../../sdk/index.ts';
import type { Arguments, Command } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { newFile } from '../files.ts';
import { CHAIN_OPTIONS, type Chain, chainOf } from '../home.ts';
import { accountWithKey, setState } from '../proven-state.ts';
import { changedSet } from '../validators/changes.ts';
import { type Proposal, proposalText } from '../validators/proposal.ts';
import { changesOf, summaryJson, summaryLines } from '../validators/summary.ts';

export const validatorsPropose: Command = {
  name: 'validators propose',
  usage: '--out <file> (--effective <height> | --in <heights>) [--add …] [--remove …] [--rotate …] [--standby …]',
  summary: 'Writes a change of the validator set into a file that the validators in force approve.',
  help: `
No account may change who signs blocks: validators with more than two thirds of the power must
approve, each with its consensus key. Anybody proposes; the set in force is proven from the genesis
hash. Each option may be given more than once. A key file is the JSON that keygen prints or writes;
only its public part is read, so a company sends what "keygen --json" printed. A whole round:

  brop keygen consensus-key.json --json > consensus-public.json          the new company
  brop validators admit --name "Fourth GmbH" --account-key account-public.json \\
      --legal legal-1.0.txt --legal-version 1.0 --key operator-key.json  the operator
  brop validators propose --out change.json --in 500 \\
      --add account=brop1…,power=1,key=consensus-public.json             anybody
  brop validators approve change.json --key consensus-key.json           each validator, on a copy
  brop validators submit change.json copy-2.json copy-3.json             operator or validator

It is effective from the height on: leave time for the approvals, and for the new node to follow.
Approvals hold for exactly this change, and only while exactly this set stays in force.`,
  options: {
    out: { type: 'string', value: 'file', help: 'where the proposal goes; never overwritten' },
    effective: { type: 'string', value: 'height', help: 'the first height that the new set signs' },
    in: { type: 'string', value: 'heights', help: `the same, counted from now, up to ${MAX_HEIGHTS_AHEAD}` },
    add: {
      type: 'string',
      multiple: true,
      value: 'list',
      help: 'account=brop1…,power=1,key=<file>[,standby=<file>]: one more validator',
    },
    remove: { type: 'string', multiple: true, value: 'account', help: 'one validator less' },
    rotate: { type: 'string', multiple: true, value: 'list', help: 'account=brop1…,key=<file>: another primary key' },
    standby: {
      type: 'string',
      multiple: true,
      value: 'list',
      help: 'account=brop1…[,key=<file>]: another standby key, or none',
    },
    ...CHAIN_OPTIONS,
  },
  positionals: [0, 0],
  run: async (args, out) => {
    const path = args.required('out');
    if (existsSync(path)) throw new ExitError(exit.usage, `${path} exists and is not overwritten`);
    const chain = chainOf(args);
    const proposal = await propose(chain, args);
    newFile(path).write(utf8(proposalText(proposal)));
    for (const line of summaryLines(proposal)) out.line(line);
    out.line(`\nproposal in ${path}: each validator runs brop validators approve on it`);
    out.result({ ok: true, file: path, ...summaryJson(proposal) });
    return exit.ok;
  },
};

async function propose(chain: Chain, args: Arguments): Promise<Proposal> {
  const effectiveAt = effectiveOf(args);
  const { genesis, height, current, since, pending } = await setState(chain);
  if (pending !== null)
    throw new BropError('SET_PENDING', `It is effective at ${pending.effectiveHeight}; propose after that.`);
  const effectiveHeight = effectiveAt(height);
  // The block that packs it is the next one at the earliest, and comes before.
  if (effectiveHeight <= height + 1 || effectiveHeight > height + MAX_HEIGHTS_AHEAD)
    throw new BropError('SET_HEIGHT', `Effective at ${effectiveHeight}, the chain is at ${height}.`);
  const next = await changedSet(current, args);
  const proposal = { genesisHash: genesis.hash, current, since, next, effectiveHeight, approvals: [] };
  const { added, changed } = changesOf(proposal);
  for (const validator of [...added, ...changed]) await checkMember(chain, validator);
  return proposal;
}

/** What the chain would say no to after everybody has approved. */
async function checkMember(chain: Chain, { id, keys }: Validator): Promise<void> {
  const { account } = await createClient({ ...chain, crypto: nativeCrypto }).account(id);
  const name = accountIdToText(id);
  if (account?.kind !== 'validator')
    throw new BropError(
      'SET_ACCOUNT',
      `${name} ${account === null ? 'does not exist' : `is a ${account.kind}`}: brop validators admit`,
    );
  for (const key of keys) {
    const owner = await accountWithKey(chain, key);
    if (owner !== null && !equal(owner, id))
      throw new BropError('KEY_IN_USE', `It belongs to ${accountIdToText(owner)}.`);
    if (isSameKey(account.key, key)) throw new BropError('KEY_IN_USE', `It is the account key of ${name}.`);
  }
}

/** From the newest height to the first one of the new set. */
function effectiveOf(args: Arguments): (height: number) => number {
  const [absolute, ahead] = [args.text('effective'), args.text('in')];
  const text = absolute ?? ahead;
  if (text === undefined || (absolute !== undefined && ahead !== undefined))
    throw new ExitError(
      exit.usage,
      'give the height with --effective or with --in (see: brop validators propose --help)',
    );
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw new ExitError(exit.usage, `--${absolute === undefined ? 'in' : 'effective'} is a whole number from 1 on`);
  return (height) => (absolute === undefined ? height + Number(text) : Number(text));
}
