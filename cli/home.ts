/** Where a devnet and the profile of its client are found: BROP_HOME, or `.brop` here or above, or beside the program. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { BropError } from '../node-core/chain/codes.ts';
import { accountIdFromText } from '../node-core/codec/account-id.ts';
import { fromHex } from '../node-core/codec/bytes.ts';
import type { Arguments } from './command.ts';
import { ExitError, exit } from './exit-codes.ts';

const PROGRAM_FOLDER = resolve(fileURLToPath(new URL('..', import.meta.url)));

/** The `.brop` folder in use. It need not exist. */
export function home(): string {
  const set = process.env.BROP_HOME;
  if (set !== undefined) return resolve(set);
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.brop'))) return join(folder, '.brop');
    if (folder === dirname(folder)) return join(PROGRAM_FOLDER, '.brop');
  }
}

/** How a client reaches the chain and who it is. Written by the devnet, or by hand. */
const profileSchema = z.strictObject({
  url: z.url(),
  genesis: z.string().regex(/^[0-9a-f]{64}$/),
  account: z.string().min(1),
  /** Key file, relative to the profile. */
  key: z.string().min(1),
});

export interface Chain {
  readonly url: string;
  readonly genesisHash: Uint8Array;
  /** That the node's operator asks for, from BROP_API_KEY alone: arguments and files are seen by others. */
  readonly apiKey?: string | undefined;
}

export interface Profile extends Chain {
  readonly account: string;
  readonly keyFile: string;
}

/** The profile from `--profile`, BROP_PROFILE or the devnet's; single options override its fields. */
export function profileOf(args: Arguments): Profile {
  const { path, fields } = profileFile(args);
  const chain = chainOf(args);
  const account = args.text('account') ?? fields?.account;
  const keyFile = args.text('key') ?? (fields === undefined ? undefined : resolve(dirname(path), fields.key));
  if (account === undefined || keyFile === undefined) throw noProfile(path, '--url, --genesis, --account and --key');
  if (!isAccountId(account)) throw new ExitError(exit.usage, `${account} is not an account ID (brop1…)`);
  return { ...chain, account, keyFile };
}

/** The account from `--account` or the profile, for who does not sign here. */
export function accountOf(args: Arguments): string {
  const { path, fields } = profileFile(args);
  const account = args.text('account') ?? fields?.account;
  if (account === undefined) throw noProfile(path, '--account');
  if (!isAccountId(account)) throw new ExitError(exit.usage, `${account} is not an account ID (brop1…)`);
  return account;
}

/** The chain and a node of it, for who needs no account; from the options and the profile. */
export function chainOf(args: Arguments): Chain {
  const { path, fields } = profileFile(args);
  const url = args.text('url') ?? fields?.url;
  const genesisHash = knownGenesis(args);
  if (url === undefined || genesisHash === undefined) throw noProfile(path, '--url and --genesis');
  return { url: httpUrl(url), genesisHash, apiKey: apiKey() };
}

/** @throws {ExitError} usage, without its text */
function apiKey(): string | undefined {
  const key = process.env.BROP_API_KEY;
  if (key === undefined || key === '') return undefined;
  if (!/^[\x21-\x7e]{1,128}$/.test(key))
    throw new ExitError(exit.usage, 'BROP_API_KEY: 1 to 128 visible ASCII characters are wanted, without spaces');
  return key;
}

/** The genesis hash from `--genesis` or the profile; undefined when neither says. */
export function knownGenesis(args: Arguments): Uint8Array | undefined {
  const genesis = args.text('genesis') ?? profileFile(args).fields?.genesis;
  if (genesis === undefined) return undefined;
  if (!/^[0-9a-f]{64}$/.test(genesis)) throw new ExitError(exit.usage, 'a genesis hash has 64 hexadecimal digits');
  return fromHex(genesis);
}

function profileFile(args: Arguments) {
  const path = args.text('profile') ?? process.env.BROP_PROFILE ?? join(home(), 'devnet', 'client.json');
  return { path, fields: existsSync(path) ? readProfile(path) : undefined };
}

function noProfile(path: string, options: string): ExitError {
  return new ExitError(exit.usage, `no profile at ${path}: start a devnet with npm start, or give ${options}`);
}

/** URL of the node from `--url` or the profile. */
export function urlOf(args: Arguments): string {
  const given = args.text('url');
  if (given !== undefined) return httpUrl(given);
  const { path, fields } = profileFile(args);
  if (fields === undefined) throw noProfile(path, '--url');
  return fields.url;
}

function httpUrl(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new ExitError(exit.usage, `${text} is not an http(s) URL`);
  return text;
}

function isAccountId(text: string): boolean {
  try {
    accountIdFromText(text);
    return true;
  } catch {
    return false;
  }
}

function readProfile(path: string): z.infer<typeof profileSchema> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new BropError('CONFIG_INVALID', `${path}: not JSON.`);
  }
  const parsed = profileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new BropError('CONFIG_INVALID', `${path}: ${issue.path.map(String).join('.')}: ${issue.message}.`);
}

export const PROFILE_OPTIONS = {
  profile: { type: 'string', value: 'file', help: "client profile; default: the devnet's" },
  url: { type: 'string', value: 'url', help: 'URL of the node' },
} as const;

export const CHAIN_OPTIONS = {
  ...PROFILE_OPTIONS,
  genesis: { type: 'string', value: 'hash', help: 'genesis hash of the chain' },
} as const;

export const ACCOUNT_OPTIONS = {
  ...CHAIN_OPTIONS,
  account: { type: 'string', value: 'id', help: 'account that sends' },
  key: { type: 'string', value: 'file', help: 'key file of that account' },
} as const;
