/** Whose metrics `brop top` shows: the nodes named on the command line, or those of the devnet. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BropError } from '../../node-core/chain/codes.ts';
import { loadConfig } from '../../nodes/config.ts';
import type { Arguments } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { home, urlOf } from '../home.ts';
import type { Target } from './rows.ts';

export function targetsOf(args: Arguments): readonly Target[] {
  const given = args.text('url');
  if (given !== undefined) return given.split(',').map((url) => ({ name: httpUrl(url.trim()), url: url.trim() }));
  const folder = args.text('data') ?? join(home(), 'devnet');
  if (existsSync(join(folder, 'genesis.cbor'))) return devnetTargets(folder);
  if (args.text('data') !== undefined) throw new BropError('FILE_UNREADABLE', `${folder} holds no devnet.`);
  const url = urlOf(args);
  return [{ name: url, url }];
}

/** Validators first, as they are numbered. Nodes of an older devnet serve no metrics, the API's apart. */
function devnetTargets(folder: string): Target[] {
  const names = readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'config.json')))
    .sort((a, b) => Number(a === 'follower') - Number(b === 'follower') || a.localeCompare(b, 'en', { numeric: true }));
  const targets = names.flatMap((name) => {
    const { metrics, api } = loadConfig(join(folder, name, 'config.json'));
    const url = metrics !== undefined ? address(metrics) : api === undefined ? undefined : apiUrl(folder, api);
    return url === undefined ? [] : [{ name, url }];
  });
  if (targets.length === 0) throw new ExitError(exit.usage, `no node in ${folder} serves metrics`);
  return targets;
}

function address({ host, port }: { readonly host: string; readonly port: number }): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** An API on port 0 took a free one: the client's profile has it. */
function apiUrl(folder: string, api: { readonly host: string; readonly port: number }): string | undefined {
  if (api.port !== 0) return address(api);
  try {
    const { url } = JSON.parse(readFileSync(join(folder, 'client.json'), 'utf8')) as { readonly url?: unknown };
    return typeof url === 'string' ? url : undefined;
  } catch {
    return undefined;
  }
}

function httpUrl(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new ExitError(exit.usage, `${text} is not an http(s) URL`);
  }
  return text;
}
