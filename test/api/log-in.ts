/** Accounts that can log in to an API under test. */
import { base64urlnopad } from '@scure/base';
import type { Api } from '../../api/parts.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { SUITES } from '../../node-core/crypto/suites.ts';
import type { ChainAccess } from '../../node-core/ports/chain-access.ts';
import { post } from './fake-api.ts';

export const ORIGIN = 'https://node.example';

export interface Person {
  readonly secret: Uint8Array;
  readonly id: Uint8Array;
  readonly text: string;
}

/** An account of which `fill` says all. */
export function person(fill: number): Person {
  const id = new Uint8Array(20).fill(fill);
  return { secret: new Uint8Array(32).fill(fill), id, text: accountIdToText(id) };
}

/** As a chain knows these accounts. */
export function knows(...people: readonly Person[]): ChainAccess['account'] {
  const byId = new Map(people.map((one) => [toHex(one.id), one]));
  return async (id) => {
    const found = byId.get(toHex(id));
    if (found === undefined) return undefined;
    const key = { suite: 'ed25519' as const, bytes: SUITES.ed25519.publicKeyOf(found.secret) };
    return { account: { kind: 'partner', key, quota: { max: 1, periodMs: 1 }, created: 1 }, points: 1 };
  };
}

/** Requests with an access token. */
export async function logIn(api: Api, { secret, text }: Person, scopes: readonly string[]) {
  const json = { 'Content-Type': 'application/json' };
  const asked = await api.request('/v1/auth/challenge', post(JSON.stringify({ account: text, scopes }), json));
  const { challenge, message } = (await asked.json()) as { challenge: string; message: string };
  const signature = base64urlnopad.encode(SUITES.ed25519.sign(secret, base64urlnopad.decode(message)));
  const given = await api.request('/v1/auth/token', post(JSON.stringify({ challenge, signature }), json));
  const { access_token: token } = (await given.json()) as { access_token: string };
  return async (method: string, path: string, body?: object) => {
    const headers = { Authorization: `Bearer ${token}`, ...(body && json) };
    return api.request(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  };
}
