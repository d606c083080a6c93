import type { Arguments, Command, Output } from '../command.ts';
import { exit } from '../exit-codes.ts';
import { PROFILE_OPTIONS, urlOf } from '../home.ts';
import { getJson } from '../http.ts';
import { type RecordPage, readPage } from '../record-page.ts';

export const query: Command = {
  name: 'query',
  usage: '[collection] [--where <filter>]… [--proof] [--json]',
  summary: 'Searches records by their business fields.',
  help: `
Collections are evidence (the default), schemas, accounts, participants, nodes, transactions and blocks.
Filters are field=value, >=, <=, >, <, ^= (begins with), and field=["a","b"] for any of several;
all that are given must hold. With --proof each row comes with its receipt, and the JSON can be
verified with no trust in the node:

  brop query evidence --where 'subject=lot 7'
  brop query evidence --where 'subject=lot 7' --json --proof | brop verify - --genesis 3f0a…
  brop query transactions --where 'code>0' --sort=-height --limit 10`,
  options: {
    where: { type: 'string', value: 'filter', help: 'a filter; may be given more than once', multiple: true },
    sort: { type: 'string', value: 'field', help: 'indexed field, height or timeMs; -field is descending' },
    limit: { type: 'string', value: 'n', help: 'rows of a page, 1 to 100 (50)' },
    cursor: { type: 'string', value: 'cursor', help: 'where the page before has ended' },
    count: { type: 'boolean', help: 'say how many there are' },
    proof: { type: 'boolean', help: 'ask for a receipt with each row' },
    ...PROFILE_OPTIONS,
  },
  positionals: [0, 1],
  run: async (args, out) => {
    const page = readPage(await getJson(urlOf(args), `/v1/records?${parametersOf(args)}`));
    show(page, out);
    out.result(page);
    return exit.ok;
  },
};

function parametersOf(args: Arguments): URLSearchParams {
  const parameters = new URLSearchParams({ collection: args.positionals[0] ?? 'evidence' });
  for (const filter of args.all('where')) parameters.append('where', filter);
  for (const name of ['sort', 'limit', 'cursor']) {
    const value = args.text(name);
    if (value !== undefined) parameters.set(name, value);
  }
  for (const name of ['count', 'proof']) if (args.flag(name)) parameters.set(name, 'true');
  return parameters;
}

function show({ records, next, count, index }: RecordPage, out: Output): void {
  for (const { key, height, timeMs, fields } of records) {
    out.line(`${key}  block ${height}, ${new Date(timeMs).toISOString()}`);
    for (const [name, value] of Object.entries(fields)) out.line(`  ${name.padEnd(24)} ${[value].flat().join(', ')}`);
  }
  if (count !== null) out.line(`${count.value}${count.exact ? '' : ' or more'} in all`);
  if (next !== null) out.line(`further ones: --cursor ${next}`);
  if (records.length === 0) out.line(`none, in blocks ${index.from} to ${index.height}`);
}
