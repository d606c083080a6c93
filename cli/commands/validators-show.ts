import type { ValidatorSet } from '../../node-core/chain/validator-set.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import type { Arguments, Command, Output } from '../command.ts';
import { exit } from '../exit-codes.ts';
import { CHAIN_OPTIONS, chainOf } from '../home.ts';
import { getJson } from '../http.ts';
import { table } from '../progress.ts';
import { type SetState, setState } from '../proven-state.ts';
import { readProposal, setToJson } from '../validators/proposal.ts';
import { summaryJson, summaryLines } from '../validators/summary.ts';

export const validatorsShow: Command = {
  name: 'validators show',
  usage: '[proposal]',
  summary: 'Shows the validators in force and the change that is due, or what a proposal changes.',
  help: `
The set is proven from the genesis hash, whichever node answers; the names of the companies are
that node's word. With the file of a proposal it shows what that changes and who has approved it,
with no network.

  brop validators show
  brop validators show change.json`,
  options: CHAIN_OPTIONS,
  positionals: [0, 1],
  run: async (args, out) => {
    const [path] = args.positionals;
    return path === undefined ? showSet(args, out) : showProposal(path, out);
  },
};

async function showProposal(path: string, out: Output): Promise<number> {
  const proposal = await readProposal(path);
  for (const line of summaryLines(proposal)) out.line(line);
  out.result({ ok: true, ...summaryJson(proposal) });
  return exit.ok;
}

async function showSet(args: Arguments, out: Output): Promise<number> {
  const chain = chainOf(args);
  const { height, current, since, pending } = await setState(chain);
  const names = await namesFrom(chain.url);
  out.line(`validators of height ${height + 1}, in force since height ${since}, power ${current.totalPower} in all`);
  out.line(tableOf(current, names));
  if (pending !== null) {
    out.line(`\napproved: from height ${pending.effectiveHeight}, power ${pending.set.totalPower} in all`);
    out.line(tableOf(pending.set, names));
  }
  out.result({
    ok: true,
    height,
    since,
    validators: withNames(current, names),
    pending: pending && { effectiveHeight: pending.effectiveHeight, validators: withNames(pending.set, names) },
  });
  return exit.ok;
}

type Names = ReadonlyMap<string, string>;

async function namesFrom(url: string): Promise<Names> {
  const { validators } = (await getJson(url, '/v1/status')) as {
    readonly validators?: readonly { readonly account: string; readonly name: string }[];
  };
  return new Map((validators ?? []).map(({ account, name }) => [account, name]));
}

function withNames(set: SetState['current'], names: Names) {
  return setToJson(set).map((validator, index) => ({ index, name: names.get(validator.account), ...validator }));
}

function tableOf({ validators }: ValidatorSet, names: Names): string {
  const rows = validators.map(({ id, power, keys }, index) => {
    const account = accountIdToText(id);
    return [String(index), names.get(account) ?? '', account, String(power), keys.length === 2 ? 'yes' : 'no'];
  });
  return table(['index', 'name', 'account', 'power', 'standby key'], rows);
}
