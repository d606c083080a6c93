/** Requests to what is the account's own on a node: it logs in with the account's key. */
import { BropError } from '../node-core/chain/codes.ts';
import type { ApiSchemas } from '../sdk/api-client.ts';
import type { Arguments } from './command.ts';
import { ExitError, exit } from './exit-codes.ts';
import { answerOf } from './http.ts';
import { participantOf } from './participant.ts';

const SCOPE = 'subscriptions:manage';

export type Subscription = ApiSchemas['Subscription'];
export type SubscriptionWithKey = ApiSchemas['SubscriptionWithKey'];
export type DeliveryAttempt = ApiSchemas['DeliveryAttempt'];

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/**
 * Requests for one command, on one login. `path` goes behind `/v1/subscriptions`.
 * @throws {BropError} with the code of the problem that the node answers with
 */
export async function ownSubscriptions(args: Arguments) {
  const { client } = await participantOf(args);
  return async <T>(method: Method, path: string, body?: object): Promise<T> => {
    const init =
      body === undefined
        ? { method }
        : { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
    const response = await client.auth.fetch(`/v1/subscriptions${path}`, SCOPE, init).catch((cause: unknown) => {
      throw cause instanceof BropError ? cause : new BropError('NODE_UNREACHABLE', undefined, { cause });
    });
    const answer = await answerOf(response);
    return (answer.length === 0 ? null : JSON.parse(Buffer.from(answer).toString('utf8'))) as T;
  };
}

/** The path of the subscription that a command is given. @throws {ExitError} usage */
export function pathOf([id = '']: readonly string[]): string {
  if (!/^sub_[0-9a-f]{32}$/.test(id)) throw new ExitError(exit.usage, `${id} is not the ID of a subscription (sub_…)`);
  return `/${id}`;
}
