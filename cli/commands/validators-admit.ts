import { accountName } from '../../node-core/chain/account.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import type { Arguments, Command } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { hashFile } from '../files.ts';
import { ACCOUNT_OPTIONS } from '../home.ts';
import { participantOf } from '../participant.ts';
import { readPublicKey } from '../public-keys.ts';

const DAY_MS = 86_400_000;
const DEFAULT_QUOTA = 1_000_000_000;
const MAX_VERSION_BYTES = 32;

export const validatorsAdmit: Command = {
  name: 'validators admit',
  usage: '--name <name> --account-key <file> --legal <file> --legal-version <text> [--key <operator key>]',
  summary: 'Gives a company an account as a validator; the validators in force then decide about its power.',
  help: `
The operator does this. The account has no power: brop validators propose asks the validators for
it. Of the account key only the public part is read. The digest of the legal document goes on
chain, not the document.

  brop validators admit --name "Fourth GmbH" --account-key account-public.json \\
      --legal legal-1.0.txt --legal-version 1.0 --key operator-key.json`,
  options: {
    name: { type: 'string', value: 'name', help: 'of the company, as everybody sees it' },
    'account-key': { type: 'string', value: 'file', help: "the company's account key: what keygen prints with --json" },
    legal: { type: 'string', value: 'file', help: 'the legal document under which it acts' },
    'legal-version': { type: 'string', value: 'text', help: 'version of that document' },
    quota: { type: 'string', value: 'points', help: `quota points for a day; default ${DEFAULT_QUOTA}` },
    ...ACCOUNT_OPTIONS,
  },
  positionals: [0, 0],
  run: async (args, out) => {
    const name = nameOf(args);
    const version = args.required('legal-version');
    if (version === '' || Buffer.byteLength(version) > MAX_VERSION_BYTES)
      throw new ExitError(exit.usage, `--legal-version has 1 to ${MAX_VERSION_BYTES} bytes`);
    const quota = { max: quotaOf(args), periodMs: DAY_MS };
    const key = await readPublicKey(args.required('account-key'));
    const { digests } = await hashFile(args.required('legal'), ['sha-256']);
    const { client } = await participantOf(args);
    const legal = { version, digest: digests.get('sha-256')! };
    const admitted = await client.governance.admitValidator({ name, key, legal, quota }, { label: name });
    const account = accountIdToText(admitted.account);
    out.line(`admitted in block ${admitted.summary.height}: ${name}\naccount ${account}`);
    out.result({ ok: true, account, name, height: admitted.summary.height });
    return exit.ok;
  },
};

function nameOf(args: Arguments): string {
  const name = args.required('name');
  try {
    return accountName.decode(name, '--name');
  } catch (error) {
    if (error instanceof CodecError)
      throw new ExitError(exit.usage, '--name is 1 to 64 bytes of visible words with one blank between them');
    throw error;
  }
}

function quotaOf(args: Arguments): number {
  const text = args.text('quota');
  if (text === undefined) return DEFAULT_QUOTA;
  if (!/^\d{1,13}$/.test(text) || Number(text) > 1_000_000_000_000)
    throw new ExitError(exit.usage, '--quota is a whole number up to 1000000000000');
  return Number(text);
}
