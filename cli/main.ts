/** The `brop` command. */

import { CODES } from '../node-core/chain/codes.ts';
import { type Command, helpOf, type Output, parse, printable } from './command.ts';
import { backup } from './commands/backup.ts';
import { devnet } from './commands/devnet.ts';
import { exportChain } from './commands/export.ts';
import { fsck } from './commands/fsck.ts';
import { genesis } from './commands/genesis.ts';
import { keygen } from './commands/keygen.ts';
import { listen } from './commands/listen.ts';
import { node } from './commands/node.ts';
import { registerNode, unregisterNode } from './commands/node-register.ts';
import { query } from './commands/query.ts';
import { receipt } from './commands/receipt.ts';
import { register } from './commands/register.ts';
import { restore } from './commands/restore.ts';
import { snapshot } from './commands/snapshot.ts';
import { status } from './commands/status.ts';
import { top } from './commands/top.ts';
import { validatorsAdmit } from './commands/validators-admit.ts';
import { validatorsApprove } from './commands/validators-approve.ts';
import { validatorsPropose } from './commands/validators-propose.ts';
import { validatorsShow } from './commands/validators-show.ts';
import { validatorsSubmit } from './commands/validators-submit.ts';
import { verify } from './commands/verify.ts';
import { verifyExport } from './commands/verify-export.ts';
import { webhookCommands } from './commands/webhook.ts';
import { ExitError, exit, toExitError } from './exit-codes.ts';

const commands: readonly Command[] = [
  devnet,
  register,
  receipt,
  verify,
  query,
  status,
  top,
  keygen,
  genesis,
  node,
  registerNode,
  unregisterNode,
  validatorsShow,
  validatorsPropose,
  validatorsApprove,
  validatorsSubmit,
  validatorsAdmit,
  snapshot,
  exportChain,
  verifyExport,
  fsck,
  backup,
  restore,
  listen,
  ...webhookCommands,
];

function overview(shown = commands): string {
  const rows = shown.map(({ name, summary }) => `  ${name.padEnd(18)} ${summary}`);
  return `brop: register files on a BROP chain and verify receipts offline\n\nusage: brop <command> [options]\n\n${rows.join('\n')}\n\nEvery command explains itself: brop <command> --help. Exit code 0 means that what was asked holds.\n`;
}

function outputFor(json: boolean): Output {
  const colour = !json && process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
  return {
    json,
    colour,
    line: (text) => {
      if (!json) process.stdout.write(`${printable(text)}\n`);
    },
    progress: (text) => process.stderr.write(`${printable(text)}\n`),
    result: (value) => {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
  };
}

async function run(argv: readonly string[]): Promise<number> {
  const [name, second] = argv;
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(overview());
    return name === undefined ? exit.usage : exit.ok;
  }
  const named = (words: string) => commands.find((candidate) => candidate.name === words);
  const command = named(`${name} ${second}`) ?? named(name);
  if (command === undefined) {
    const group = commands.filter((candidate) => candidate.name.startsWith(`${name} `));
    if (group.length === 0) throw new ExitError(exit.usage, `there is no command ${name} (see: brop --help)`);
    if (second !== undefined && second !== '--help')
      throw new ExitError(exit.usage, `there is no command ${name} ${second} (see: brop ${name} --help)`);
    process.stdout.write(overview(group));
    return second === undefined ? exit.usage : exit.ok;
  }
  const args = parse(command, argv.slice(command.name.split(' ').length));
  if (args.flag('help')) {
    process.stdout.write(helpOf(command));
    return exit.ok;
  }
  return command.run(args, outputFor(args.flag('json')));
}

/** Runs one command line; errors end in one line on stderr, with `--json` in one JSON line on stdout as well. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    return await run(argv);
  } catch (cause) {
    const error = toExitError(cause);
    if (argv.includes('--json')) {
      const number = error.code === undefined ? undefined : CODES[error.code].number;
      process.stdout.write(
        `${JSON.stringify({ ok: false, exitCode: error.exitCode, code: number, name: error.code, error: error.message })}\n`,
      );
    }
    process.stderr.write(`brop: ${printable(error.message)}\n`);
    if (process.env.BROP_DEBUG !== undefined && cause instanceof Error) process.stderr.write(`${cause.stack}\n`);
    return error.exitCode;
  }
}

const code = await main(process.argv.slice(2));
// Open connections and timers of work given up must not keep a finished command alive; what was written must get out.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
