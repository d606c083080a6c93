import type { Command } from '../command.ts';
import { exit } from '../exit-codes.ts';
import { PROFILE_OPTIONS, urlOf } from '../home.ts';
import { getJson } from '../http.ts';

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
    for (const [name, value] of Object.entries(answer))
      out.line(`${name.padEnd(18)} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`);
    out.result({ ok: true, url, ...answer });
    return exit.ok;
  },
};
