/** Access tokens: a challenge is read before it is signed, and a token is used until it is about to end. */
import { base64urlnopad } from '@scure/base';
import { type Challenge, readChallenge } from '../node-core/chain/challenge.ts';
import { BropError } from '../node-core/chain/codes.ts';
import type { AccountId } from '../node-core/chain/identifiers.ts';
import type { Scope } from '../node-core/chain/scopes.ts';
import { accountIdToText } from '../node-core/codec/account-id.ts';
import { equal, utf8 } from '../node-core/codec/bytes.ts';
import { CodecError } from '../node-core/codec/error.ts';
import { keyId } from '../node-core/crypto/keys.ts';
import type { CryptoProvider } from '../node-core/crypto/provider.ts';
import type { Http } from './http.ts';
import type { Signer } from './signer.ts';

export interface LoginParts {
  readonly http: Http;
  readonly crypto: CryptoProvider;
  readonly genesisHash: Uint8Array;
  readonly signer: Signer;
  readonly account: AccountId;
}

interface Held {
  readonly token: string;
  readonly endsMs: number;
}

const JSON_HEADERS = { 'Content-Type': 'application/json' };
/** A token is renewed when less than this is left of it: clocks differ, and requests take their time. */
const SPARE_MS = 60_000;

export class Login {
  private readonly parts: LoginParts;
  /** By its scopes. A login that is under way is waited for, not repeated. */
  private readonly held = new Map<string, Promise<Held>>();

  constructor(parts: LoginParts) {
    this.parts = parts;
  }

  /**
   * A token that is good for these scopes and for a minute at least.
   * @throws {BropError} CHALLENGE_INVALID when what the node wants signed is not what was asked for; and what it refuses.
   */
  async token(scopes: readonly Scope[], signal?: AbortSignal): Promise<string> {
    const key = [...scopes].sort().join(' ');
    const pending = this.held.get(key);
    if (pending !== undefined) {
      const held = await pending.catch(() => undefined);
      if (held !== undefined && held.endsMs - SPARE_MS > Date.now()) return held.token;
      // Somebody else who waited has begun anew.
      if (this.held.get(key) !== pending) return this.token(scopes, signal);
    }
    const login = this.login(scopes, signal);
    this.held.set(key, login);
    return (await login).token;
  }

  /** After a node has refused a token that should have held: the next one is new. */
  forget(): void {
    this.held.clear();
  }

  private async login(scopes: readonly Scope[], signal: AbortSignal | undefined): Promise<Held> {
    const { http, signer, account } = this.parts;
    const asked = { account: accountIdToText(account), scopes, origin: http.origin };
    const { challenge } = await this.post<{ readonly challenge?: unknown }>('/v1/auth/challenge', asked, signal);
    const { message } = this.checked(challenge, scopes);
    const signature = base64urlnopad.encode(await signer.sign(message));
    const startMs = Date.now();
    const answer = await this.post<Readonly<Record<string, unknown>>>(
      '/v1/auth/token',
      { challenge, signature },
      signal,
    );
    const { access_token: token, expires_in: seconds } = answer;
    if (typeof token !== 'string' || typeof seconds !== 'number')
      throw new BropError('NODE_UNREACHABLE', 'the answer is not an access token');
    return { token, endsMs: startMs + seconds * 1_000 };
  }

  /** What is to be signed names this chain, this account and its key, how we reach the node, and what we asked for. */
  private checked(text: unknown, scopes: readonly Scope[]): Challenge {
    const { crypto, genesisHash, signer, account, http } = this.parts;
    const wrong = (what: string) => new BropError('CHALLENGE_INVALID', `it is for another ${what}; nothing was signed`);
    const challenge = readText(text);
    if (!equal(challenge.chain, genesisHash)) throw wrong('chain');
    if (!equal(challenge.account, account)) throw wrong('account');
    if (challenge.suite !== signer.publicKey.suite || !equal(challenge.keyId, keyId(crypto, signer.publicKey)))
      throw wrong('key than the one that signs here');
    if (challenge.origin !== http.origin) throw wrong('node');
    if (challenge.scopes.join() !== scopes.join()) throw wrong('scope');
    return challenge;
  }

  private post<T>(path: string, body: object, signal: AbortSignal | undefined): Promise<T> {
    const options = { method: 'POST', headers: JSON_HEADERS, body: utf8(JSON.stringify(body)), signal } as const;
    return this.parts.http.json<T>(path, options);
  }
}

/** @throws {BropError} CHALLENGE_INVALID */
function readText(text: unknown): Challenge {
  try {
    return readChallenge(base64urlnopad.decode(String(text)));
  } catch (cause) {
    if (cause instanceof CodecError) throw new BropError('CHALLENGE_INVALID', cause.message, { cause });
    throw new BropError('CHALLENGE_INVALID', 'it is not base64url', { cause });
  }
}
