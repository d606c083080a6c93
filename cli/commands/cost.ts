/** What a deployment on AWS costs, from the price table of this version: the month that stands still, and the million. */
import type { Arguments, Command, Output } from '../command.ts';
import { readAccounts } from '../cost/deployment.ts';
import { batched, delivered, fixed, kept, type Line, networkOf, oneByOne, total, waitedFor } from '../cost/model.ts';
import { PRICED_REGION, PRICES } from '../cost/prices.ts';
import { RECORDS_PER_BATCH, RECORDS_PER_BLOCK } from '../cost/usage.ts';
import { ExitError, exit } from '../exit-codes.ts';

/** Shown beside the config's own. */
const HEARTBEATS = [3, 15];

export const cost: Command = {
  name: 'cost',
  usage: '--config <file>[:<accounts>] …',
  summary: 'What a network on AWS costs a month and for each million records, by line.',
  help: `
Reads the configs of deployments (cdk/config) and the price table of this version. A config that
several companies deploy is counted: the operator and four validator companies are

  brop cost --config cdk/config/operator.ts --config cdk/config/validator.ts:4

Lines with ~ rest on a price that nobody has confirmed. No free tier, no discount, no tax.`,
  options: {
    config: { type: 'string', value: 'file', help: 'config of a deployment, and in how many accounts', multiple: true },
  },
  positionals: [0, 0],
  run,
};

async function run(args: Arguments, out: Output): Promise<number> {
  const given = args.all('config');
  if (given.length === 0)
    throw new ExitError(exit.usage, '--config is needed: a file of cdk/config (see: brop cost --help)');
  const accounts = await Promise.all(given.map(readAccounts));
  const network = networkOf(accounts);
  const configured = Math.min(...accounts.map(({ deployment }) => deployment.heartbeatSeconds));
  const heartbeats = [...new Set([configured, ...HEARTBEATS])].sort((a, b) => a - b);
  const months = heartbeats.map((seconds) => ({ seconds, lines: fixed(network, seconds) }));
  const parts = {
    oneByOne: oneByOne(network),
    batched: batched(network),
    waitedFor: waitedFor(network),
    delivered: delivered(network),
    kept: kept(network),
  };
  out.line(
    `${network.validators} validators and ${network.proxies} proxy in ${network.accounts} accounts, prices of ${PRICED_REGION}`,
  );
  for (const { deployment } of accounts)
    if (deployment.region !== PRICED_REGION)
      out.line(`${deployment.name} is in ${deployment.region}: other prices hold there`);
  for (const { seconds, lines } of months)
    show(out, `USD a month with a block every ${seconds} s${seconds === configured ? ', as configured' : ''}`, lines);
  show(out, `USD for a million evidences one by one, ${RECORDS_PER_BLOCK} a block`, parts.oneByOne);
  out.line(`  alone in its block each would cost more: ${usd(total(oneByOne(network, 1)))}`);
  show(out, `USD for a million evidences in batches of ${RECORDS_PER_BATCH}`, parts.batched);
  show(out, 'USD more for a million receipts that are waited for in the request that registers', parts.waitedFor);
  show(out, 'USD more for a million deliveries by webhook', parts.delivered);
  show(out, 'USD a month for each million that stays searchable', parts.kept);
  out.line(
    '\nNot in it: other requests to the API, traffic to readers and to webhooks, hosted files, CloudHSM, support, tax.',
  );
  out.result({
    ok: true,
    region: PRICED_REGION,
    network,
    heartbeatSeconds: configured,
    fixedPerMonth: months.map(({ seconds, lines }) => ({ heartbeatSeconds: seconds, usd: total(lines), lines })),
    perMillion: Object.fromEntries(Object.entries(parts).map(([name, lines]) => [name, { usd: total(lines), lines }])),
    prices: PRICES,
  });
  return exit.ok;
}

function show(out: Output, title: string, lines: readonly Line[]): void {
  out.line(`\n${title}`);
  for (const { what, usd: amount, unconfirmed } of lines)
    out.line(`  ${usd(amount)} ${unconfirmed ? '~' : ' '} ${what}`);
  out.line(`  ${usd(total(lines))}   together`);
}

function usd(amount: number): string {
  return amount.toFixed(2).padStart(8);
}
