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
    for (const [name, value] of Object.entries(answer)) {
      const shown = typeof value === 'object' ? JSON.stringify(value) : String(value);
      out.line(`${name.padEnd(18)} ${name === 'equivocations' ? accused(url, value, shown) : shown}`);
    }
    out.result({ ok: true, url, ...answer });
    return exit.ok;
  },
};
