import type { Command } from '../command.ts';
import { exit } from '../exit-codes.ts';
import { PROFILE_OPTIONS, urlOf } from '../home.ts';
import { getJson } from '../http.ts';

/** Whoever has signed two things for one height stands out, and it is said where the proof is. */
function accused(url: string, value: unknown, shown: string): string {
  const { count = 0, validators = [] } = value as { readonly count?: number; readonly validators?: readonly string[] };
  if (count === 0) return shown;
  return `${count} by ${validators.join(', ')}: evidence at ${new URL('/v1/equivocations', url)}`;
}

/** Whose primary key is out of use, as an alarm: it is to be a matter of hours. */
function fallenBack(value: unknown, shown: string): string {
  const accounts = value as readonly string[];
  if (accounts.length === 0) return shown;
  return `ALARM: ${accounts.join(', ')} signs with the standby key (docs/runbook.md, signer-fallback)`;
}

/** One field of the status, for people. */
function field(url: string, name: string, value: unknown): string {
  const shown = typeof value === 'object' ? JSON.stringify(value) : String(value);
  if (name === 'equivocations') return accused(url, value, shown);
  return name === 'standbySigners' ? fallenBack(value, shown) : shown;
}

export const status: Command = {
  name: 'status',
  usage: '[--url <url>]',
  summary: 'Shows where the chain stands, as one node sees it.',
  help: `
Exit code 0 when the node answers, 3 when it does not. Whether it has caught up say height and
bestPeerHeight; whether the newest block is recent says /healthz.

  brop status
  brop status --url http://127.0.0.1:4680 --json`,
  options: PROFILE_OPTIONS,
  positionals: [0, 0],
  run: async (args, out) => {
    const url = urlOf(args);
    const answer = await getJson(url, '/v1/status');
    for (const [name, value] of Object.entries(answer)) out.line(`${name.padEnd(18)} ${field(url, name, value)}`);
    out.result({ ok: true, url, ...answer });
    return exit.ok;
  },
};
