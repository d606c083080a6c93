/** The `brop` command. */

import { CODES } from '../node-core/chain/codes.ts';
import { type Command, helpOf, type Output, parse, printable } from './command.ts';
import { ExitError, exit, toExitError } from './exit-codes.ts';

type Load = () => Promise<Command>;

function webhook(name: string): Load {
  return async () => (await import('./commands/webhook.ts')).webhookCommands.find((command) => command.name === name)!;
}

/** By name, each loaded when it is called: to start all of them takes four times as long as to start one. */
const COMMANDS: ReadonlyMap<string, Load> = new Map<string, Load>([
  ['devnet', async () => (await import('./commands/devnet.ts')).devnet],
  ['register', async () => (await import('./commands/register.ts')).register],
  ['schema register', async () => (await import('./commands/schema-register.ts')).registerSchema],
  ['prepare', async () => (await import('./commands/prepare.ts')).prepare],
  ['submit', async () => (await import('./commands/submit.ts')).submit],
  ['receipt', async () => (await import('./commands/receipt.ts')).receipt],
  ['verify', async () => (await import('./commands/verify.ts')).verify],
  ['query', async () => (await import('./commands/query.ts')).query],
  ['status', async () => (await import('./commands/status.ts')).status],
  ['top', async () => (await import('./commands/top.ts')).top],
  ['keygen', async () => (await import('./commands/keygen.ts')).keygen],
  ['genesis', async () => (await import('./commands/genesis.ts')).genesis],
  ['node', async () => (await import('./commands/node.ts')).node],
  ['node register', async () => (await import('./commands/node-register.ts')).registerNode],
  ['node unregister', async () => (await import('./commands/node-register.ts')).unregisterNode],
  ['signer primary', async () => (await import('./commands/signer-primary.ts')).signerPrimary],
  ['validators show', async () => (await import('./commands/validators-show.ts')).validatorsShow],
  ['validators propose', async () => (await import('./commands/validators-propose.ts')).validatorsPropose],
  ['validators approve', async () => (await import('./commands/validators-approve.ts')).validatorsApprove],
  ['validators submit', async () => (await import('./commands/validators-submit.ts')).validatorsSubmit],
  ['validators admit', async () => (await import('./commands/validators-admit.ts')).validatorsAdmit],
  ['snapshot', async () => (await import('./commands/snapshot.ts')).snapshot],
  ['export', async () => (await import('./commands/export.ts')).exportChain],
  ['verify-export', async () => (await import('./commands/verify-export.ts')).verifyExport],
  ['fsck', async () => (await import('./commands/fsck.ts')).fsck],
  ['backup', async () => (await import('./commands/backup.ts')).backup],
  ['restore', async () => (await import('./commands/restore.ts')).restore],
  ['cost', async () => (await import('./commands/cost.ts')).cost],
  ['listen', async () => (await import('./commands/listen.ts')).listen],
  ['webhook add', webhook('webhook add')],
  ['webhook list', webhook('webhook list')],
  ['webhook show', webhook('webhook show')],
  ['webhook remove', webhook('webhook remove')],
  ['webhook ping', webhook('webhook ping')],
  ['webhook replay', webhook('webhook replay')],
  ['webhook rotate', webhook('webhook rotate')],
  ['webhook enable', webhook('webhook enable')],
  ['webhook disable', webhook('webhook disable')],
]);

async function overview(names = [...COMMANDS.keys()]): Promise<string> {
  const shown = await Promise.all(names.map((name) => COMMANDS.get(name)!()));
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
    process.stdout.write(await overview());
    return name === undefined ? exit.usage : exit.ok;
  }
  const load = COMMANDS.get(`${name} ${second}`) ?? COMMANDS.get(name);
  if (load === undefined) {
    const group = [...COMMANDS.keys()].filter((candidate) => candidate.startsWith(`${name} `));
    if (group.length === 0) throw new ExitError(exit.usage, `there is no command ${name} (see: brop --help)`);
    if (second !== undefined && second !== '--help')
      throw new ExitError(exit.usage, `there is no command ${name} ${second} (see: brop ${name} --help)`);
    process.stdout.write(await overview(group));
    return second === undefined ? exit.usage : exit.ok;
  }
  const command = await load();
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
