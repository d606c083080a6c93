/**
 * Challenges without memory: the node knows its own by an HMAC, and remembers only those that were answered rightly,
 * until they expire. So strangers can ask for as many as they like, and fill nothing.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { CHALLENGE_ID_BYTES, type Challenge, makeChallenge, readChallenge } from '../../node-core/chain/challenge.ts';
import type { AccountId } from '../../node-core/chain/identifiers.ts';
import type { Scope } from '../../node-core/chain/scopes.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { equal, toHex } from '../../node-core/codec/bytes.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import { keyId } from '../../node-core/crypto/keys.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import type { ChainAccess } from '../../node-core/ports/chain-access.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { SingleUse } from '../../node-core/ports/single-use.ts';
import type { RateLimiter } from '../http/rate-limit.ts';
import { inOneForm } from '../http/signature.ts';
import { ProblemError } from '../problem.ts';

export const CHALLENGE_LIFETIME_MS = 120_000;

export interface ChallengeParts {
  readonly chain: Pick<ChainAccess, 'status' | 'account'>;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly singleUse: SingleUse;
  readonly loginLimiter: RateLimiter;
  /** Under which the node serves; the first is its name. */
  readonly origins: readonly string[];
  /** 32 secret bytes; shared by processes that answer under one name. */
  readonly secret: Uint8Array;
}

/** Who has shown that it has the key of an account, and what it asked for. */
export interface Proven {
  readonly account: AccountId;
  /** Key ID in hexadecimal. */
  readonly keyId: string;
  readonly scopes: readonly Scope[];
}

export interface Issued {
  readonly bytes: Uint8Array;
  readonly challenge: Challenge;
}

export class Challenges {
  private readonly parts: ChallengeParts;

  constructor(parts: ChallengeParts) {
    this.parts = parts;
  }

  /** @throws {ProblemError} ORIGIN_UNKNOWN, SENDER_UNKNOWN */
  async issue(account: AccountId, scopes: readonly Scope[], asked: string | undefined): Promise<Issued> {
    const { chain, crypto, clock, origins, secret } = this.parts;
    const origin = asked ?? origins[0];
    if (origin === undefined || !origins.includes(origin)) throw new ProblemError('ORIGIN_UNKNOWN');
    const [{ genesisHash, protocolVersion }, view] = await Promise.all([chain.status(), chain.account(account)]);
    if (view === undefined) throw new ProblemError('SENDER_UNKNOWN');
    const id = globalThis.crypto.getRandomValues(new Uint8Array(CHALLENGE_ID_BYTES));
    const expiresMs = clock.now() + CHALLENGE_LIFETIME_MS;
    const draft = { chain: genesisHash, protocolVersion, account, origin, scopes, id, expiresMs };
    const mark = (message: Uint8Array) => hmac(sha256, secret, message);
    const bytes = makeChallenge(crypto, draft, view.account.key, mark);
    return { bytes, challenge: readChallenge(bytes) };
  }

  /**
   * Whom the signature shows. A challenge that is answered wrongly may be answered again.
   * @throws {ProblemError} BAD_REQUEST, CHALLENGE_INVALID, CHALLENGE_EXPIRED, SENDER_UNKNOWN, SIGNATURE_INVALID, CHALLENGE_USED,
   *   TOO_MANY_REQUESTS, OVERLOADED
   */
  async redeem(bytes: Uint8Array, signature: Uint8Array): Promise<Proven> {
    const { chain, crypto, clock, singleUse } = this.parts;
    const challenge = this.own(bytes);
    if (challenge.expiresMs <= clock.now()) throw new ProblemError('CHALLENGE_EXPIRED');
    const view = await chain.account(challenge.account);
    if (view === undefined) throw new ProblemError('SENDER_UNKNOWN');
    const { key } = view.account;
    if (!equal(keyId(crypto, key), challenge.keyId)) throw new ProblemError('CHALLENGE_INVALID');
    if (!crypto.verify(key, challenge.message, inOneForm(signature, key.suite)))
      throw new ProblemError('SIGNATURE_INVALID');
    this.admit(challenge.account);
    const use = await singleUse.use(challenge.id, challenge.expiresMs);
    if (use === 'again') throw new ProblemError('CHALLENGE_USED');
    if (use === 'full') throw new ProblemError('OVERLOADED', { detail: 'too many logins at once' });
    // Scopes were checked when they were asked for; the mark covers them.
    return { account: challenge.account, keyId: toHex(challenge.keyId), scopes: challenge.scopes as readonly Scope[] };
  }

  /** Only who has signed is counted: wrong answers of strangers must not keep an account out. */
  private admit(account: AccountId): void {
    const { loginLimiter } = this.parts;
    const { requestsPerSecond } = loginLimiter.policy;
    if (requestsPerSecond === 0 || loginLimiter.take(accountIdToText(account)).allowed) return;
    throw new ProblemError('TOO_MANY_REQUESTS', { detail: `${requestsPerSecond} logins per second of one account` });
  }

  /** What was not marked here is not looked at further. The mark covers chain, account, origin, scopes and expiry. */
  private own(bytes: Uint8Array): Challenge {
    try {
      const challenge = readChallenge(bytes);
      if (isSame(hmac(sha256, this.parts.secret, challenge.message), challenge.mark)) return challenge;
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
    }
    throw new ProblemError('CHALLENGE_INVALID');
  }
}

/** In a time that does not tell how much of it is right. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ (b[i] ?? 0);
  return difference === 0;
}
