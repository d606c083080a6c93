/** `brop webhook …`: the subscriptions of an account, and their deliveries. */
import { valueFromText } from '../../node-core/middleware/events/filter.ts';
import type { Arguments, Command, Output } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { ACCOUNT_OPTIONS } from '../home.ts';
import { type DeliveryAttempt, ownSubscriptions, pathOf, type Subscription, type SubscriptionWithKey } from '../own.ts';
import { EVENT_OPTIONS } from './listen.ts';

const SIGNATURE = {
  signature: { type: 'string', value: 'v1a|v1', help: 'v1a: Ed25519 (default); v1: HMAC with a shared secret' },
} as const;

const add: Command = {
  name: 'webhook add',
  usage: '<url> [--type <type>] [--where <field=value>] [--after <cursor>] [--signature v1a|v1]',
  summary: 'Has events delivered to a URL of yours, signed by Standard Webhooks.',
  help: `
The URL is https and a public host; a devnet delivers to http://127.0.0.1 too. Without --type all
events; --after 0 begins with the first block. What is printed as the key verifies the messages:
give it to a Standard Webhooks library. A shared secret (v1) is shown this once.

  brop webhook add https://partner.example/brop --type evidence.registered --where 'subject=lot 7'
  brop webhook add http://127.0.0.1:8080/ --signature v1 --json`,
  options: { ...EVENT_OPTIONS, ...SIGNATURE, ...ACCOUNT_OPTIONS },
  positionals: [1, 1],
  run: async (args, out) => {
    const types = args.all('type');
    const body = {
      ...{ url: args.positionals[0]!, types, filter: filterOf(types, args.all('where')) },
      ...given(args, 'signature', 'after'),
    };
    const made = await (await ownSubscriptions(args))<SubscriptionWithKey>('POST', '', body);
    describe(made, out);
    showKey(made, out);
    out.result({ ok: true, ...made });
    return exit.ok;
  },
};

const list: Command = {
  name: 'webhook list',
  usage: '',
  summary: 'Shows your webhooks and how their deliveries are.',
  help: `
  brop webhook list
  brop webhook list --json`,
  options: ACCOUNT_OPTIONS,
  positionals: [0, 0],
  run: async (args, out) => {
    const request = await ownSubscriptions(args);
    const { subscriptions } = await request<{ readonly subscriptions: readonly Subscription[] }>('GET', '');
    for (const one of subscriptions) describe(one, out);
    if (subscriptions.length === 0) out.line('none; brop webhook add makes one');
    out.result({ ok: true, subscriptions });
    return exit.ok;
  },
};

const show: Command = {
  name: 'webhook show',
  usage: '<id>',
  summary: 'Shows one webhook with its newest attempts to deliver.',
  help: `
  brop webhook show sub_1f0c…`,
  options: ACCOUNT_OPTIONS,
  positionals: [1, 1],
  run: async (args, out) => {
    const request = await ownSubscriptions(args);
    const path = pathOf(args.positionals);
    const one = await request<Subscription>('GET', path);
    const { attempts } = await request<{ readonly attempts: readonly DeliveryAttempt[] }>('GET', `${path}/attempts`);
    describe(one, out);
    for (const attempt of attempts) out.line(`  ${attemptLine(attempt)}`);
    out.result({ ok: true, ...one, attempts });
    return exit.ok;
  },
};

const remove: Command = {
  name: 'webhook remove',
  usage: '<id>',
  summary: 'Ends a webhook; nothing is delivered to it any more.',
  help: `
  brop webhook remove sub_1f0c…`,
  options: ACCOUNT_OPTIONS,
  positionals: [1, 1],
  run: async (args, out) => {
    await (await ownSubscriptions(args))<null>('DELETE', pathOf(args.positionals));
    out.line('removed');
    out.result({ ok: true });
    return exit.ok;
  },
};

const ping: Command = {
  name: 'webhook ping',
  usage: '<id>',
  summary: 'Sends a test message now and says what came of it.',
  help: `
Exit code 0 when the endpoint accepted it, 1 when it did not. A success ends the wait for the next
retry.

  brop webhook ping sub_1f0c…`,
  options: ACCOUNT_OPTIONS,
  positionals: [1, 1],
  run: async (args, out) => {
    const path = `${pathOf(args.positionals)}/ping`;
    const attempt = await (await ownSubscriptions(args))<DeliveryAttempt>('POST', path);
    const { status } = attempt;
    const accepted = status !== null && status >= 200 && status <= 299;
    out.line(attemptLine(attempt));
    out.result({ ok: accepted, ...attempt });
    return accepted ? exit.ok : exit.failure;
  },
};

const replay: Command = {
  name: 'webhook replay',
  usage: '<id> --after <cursor> [--through <height>]',
  summary: 'Delivers a range again, under the same IDs.',
  help: `
  brop webhook replay sub_1f0c… --after 1200 --through 1300`,
  options: {
    after: EVENT_OPTIONS.after,
    through: { type: 'string', value: 'height', help: 'the last height; the newest without it' },
    ...ACCOUNT_OPTIONS,
  },
  positionals: [1, 1],
  run: async (args, out) => {
    const through = args.text('through');
    if (through !== undefined && !/^\d{1,15}$/.test(through)) throw new ExitError(exit.usage, '--through is a height');
    const range = { after: args.required('after'), ...(through !== undefined && { throughHeight: Number(through) }) };
    return change(args, out, 'POST', '/replay', range);
  },
};

const rotate: Command = {
  name: 'webhook rotate',
  usage: '<id> [--signature v1a|v1]',
  summary: 'Makes a new key; for a day the one before signs too.',
  help: `
  brop webhook rotate sub_1f0c…`,
  options: { ...SIGNATURE, ...ACCOUNT_OPTIONS },
  positionals: [1, 1],
  run: async (args, out) => {
    const path = `${pathOf(args.positionals)}/rotate`;
    const made = await (await ownSubscriptions(args))<SubscriptionWithKey>('POST', path, given(args, 'signature'));
    describe(made, out);
    showKey(made, out);
    out.result({ ok: true, ...made });
    return exit.ok;
  },
};

const enable: Command = {
  name: 'webhook enable',
  usage: '<id> [--after <cursor>]',
  summary: 'Goes on where deliveries ended, or from another place.',
  help: `
A webhook is disabled when its endpoint answered 410, failed for three days or led inward. Everything
that it missed is delivered, unless --after names a later place.

  brop webhook enable sub_1f0c…`,
  options: { after: EVENT_OPTIONS.after, ...ACCOUNT_OPTIONS },
  positionals: [1, 1],
  run: (args, out) => change(args, out, 'PATCH', '', { enabled: true, ...given(args, 'after') }),
};

const disable: Command = {
  name: 'webhook disable',
  usage: '<id>',
  summary: 'Sends nothing until it is enabled again.',
  help: `
  brop webhook disable sub_1f0c…`,
  options: ACCOUNT_OPTIONS,
  positionals: [1, 1],
  run: (args, out) => change(args, out, 'PATCH', '', { enabled: false }),
};

export const webhookCommands: readonly Command[] = [add, list, show, remove, ping, replay, rotate, enable, disable];

async function change(
  args: Arguments,
  out: Output,
  method: 'POST' | 'PATCH',
  suffix: string,
  body: object,
): Promise<number> {
  const path = `${pathOf(args.positionals)}${suffix}`;
  const one = await (await ownSubscriptions(args))<Subscription>(method, path, body);
  describe(one, out);
  out.result({ ok: true, ...one });
  return exit.ok;
}

/** Options that were given, under their names. */
function given(args: Arguments, ...names: readonly string[]): Record<string, string> {
  const entries = names.map((name) => [name, args.text(name)] as const).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Record<string, string>;
}

function filterOf(types: readonly string[], conditions: readonly string[]) {
  return Object.fromEntries(
    conditions.map((condition) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(condition) ?? [];
      if (name === undefined) throw new ExitError(exit.usage, `--where ${condition}: not field=value`);
      return [name, valueFromText(types, name, value!)];
    }),
  );
}

function describe({ id, url, status, types, filter, failing, disabled, delivered }: Subscription, out: Output): void {
  out.line(`${id}  ${status}  ${url}`);
  const wanted = Object.entries(filter).map(([name, value]) => `${name}=${value}`);
  out.line(
    `  events     ${types.length === 0 ? 'all' : types.join(', ')}${wanted.length === 0 ? '' : ` where ${wanted.join(', ')}`}`,
  );
  out.line(`  delivered  ${delivered ?? 'nothing yet'}`);
  if (failing) {
    const { attempts, nextMs } = failing;
    out.line(`  failing    ${attempts} attempts, the next at ${new Date(nextMs).toISOString()}`);
  }
  if (disabled) out.line(`  disabled   ${disabled.reason}, at ${new Date(disabled.atMs).toISOString()}`);
}

function showKey({ verificationKey }: SubscriptionWithKey, out: Output): void {
  out.line(`  key        ${verificationKey}`);
}

function attemptLine({ atMs, event, type, status, failure, durationMs }: DeliveryAttempt): string {
  return `${new Date(atMs).toISOString()}  ${status ?? failure}  ${durationMs} ms  ${type}  ${event}`;
}
