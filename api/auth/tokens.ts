/**
 * Access tokens: JSON Web Tokens in the profile of RFC 9068, signed with Ed25519 by a key of this node (`alg` is
 * `Ed25519`, the EdDSA identifier of RFC 9864), short-lived, and good on this node for this chain alone.
 */
import { base64urlnopad } from '@scure/base';
import { errors, importJWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { AccountId } from '../../node-core/chain/identifiers.ts';
import { isScope, type Scope } from '../../node-core/chain/scopes.ts';
import { accountIdFromText, accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { keyId } from '../../node-core/crypto/keys.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import type { TokenKey } from '../../node-core/crypto/token-key.ts';
import type { ChainAccess } from '../../node-core/ports/chain-access.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { TokenKeys } from '../../node-core/ports/token-keys.ts';
import { ProblemError } from '../problem.ts';
import type { Proven } from './challenges.ts';

export const TOKEN_LIFETIME_SECONDS = 900;
/** Longer ones are not looked at. */
export const MAX_TOKEN_CHARACTERS = 2_048;
const ALGORITHM = 'Ed25519';
const TYPE = 'at+jwt';

/** Who asks, as a token has shown. */
export interface Principal {
  readonly account: AccountId;
  /** The same as text, `brop1…`. */
  readonly accountText: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Names the token in the audit log. */
  readonly tokenId: string;
}

export interface TokenParts {
  readonly chain: Pick<ChainAccess, 'status' | 'account'>;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly keys: TokenKeys;
  readonly origins: readonly string[];
}

export interface IssuedToken {
  readonly token: string;
  readonly tokenId: string;
}

type WebKey = Exclude<Awaited<ReturnType<typeof importJWK>>, Uint8Array>;

export class Tokens {
  private readonly parts: TokenParts;
  /** By key ID; a node has no more than a few. */
  private readonly verifyKeys = new Map<string, WebKey>();

  constructor(parts: TokenParts) {
    this.parts = parts;
  }

  async issue({ account, keyId: accountKey, scopes }: Proven): Promise<IssuedToken> {
    const { clock, keys } = this.parts;
    const key = await keys.current();
    const seconds = Math.floor(clock.now() / 1_000);
    const tokenId = toHex(globalThis.crypto.getRandomValues(new Uint8Array(16)));
    const subject = accountIdToText(account);
    const token = await new SignJWT({ client_id: subject, scope: scopes.join(' '), account_kid: accountKey })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: key.kid })
      .setIssuer(this.issuer())
      .setAudience(await this.audience())
      .setSubject(subject)
      .setJti(tokenId)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + TOKEN_LIFETIME_SECONDS)
      .sign(await importKey(key, true));
    return { token, tokenId };
  }

  /**
   * Whose token it is. The account is looked up at each use, so that a change of its key ends its tokens at once.
   * @throws {ProblemError} TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_REVOKED
   */
  async verify(token: string): Promise<Principal> {
    const { crypto, chain } = this.parts;
    const { sub, jti, scope, account_kid: accountKey } = await this.claimsOf(token);
    const account = accountIdFromText(String(sub));
    const view = await chain.account(account);
    if (view === undefined || toHex(keyId(crypto, view.account.key)) !== accountKey)
      throw new ProblemError('TOKEN_REVOKED');
    const scopes = new Set(String(scope).split(' ').filter(isScope));
    return { account, accountText: String(sub), scopes, tokenId: String(jti) };
  }

  /** Claims that this node has signed: their form needs no further check. */
  private async claimsOf(token: string): Promise<JWTPayload> {
    if (token.length > MAX_TOKEN_CHARACTERS) throw new ProblemError('TOKEN_INVALID');
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => this.verifyKey(kid), {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer: this.issuer(),
        audience: await this.audience(),
        requiredClaims: ['sub', 'jti', 'iat', 'exp', 'scope', 'account_kid'],
        currentDate: new Date(this.parts.clock.now()),
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw new ProblemError('TOKEN_EXPIRED');
      if (error instanceof errors.JOSEError) throw new ProblemError('TOKEN_INVALID');
      throw error;
    }
  }

  private async verifyKey(kid: string | undefined): Promise<WebKey> {
    const key = kid === undefined ? undefined : await this.parts.keys.find(kid);
    if (key === undefined) throw new errors.JWKSNoMatchingKey();
    const known = this.verifyKeys.get(key.kid) ?? (await importKey(key, false));
    this.verifyKeys.set(key.kid, known);
    return known;
  }

  /** The node. @throws {ProblemError} ORIGIN_UNKNOWN */
  private issuer(): string {
    const [origin] = this.parts.origins;
    if (origin === undefined) throw new ProblemError('ORIGIN_UNKNOWN');
    return origin;
  }

  /** This chain at this node. */
  private async audience(): Promise<string> {
    const { genesisHash } = await this.parts.chain.status();
    return `${this.issuer()}/#${toHex(genesisHash)}`;
  }
}

function importKey({ kid, publicKey, secretKey }: TokenKey, isPrivate: boolean): Promise<WebKey> {
  const jwk = { kty: 'OKP', crv: 'Ed25519', kid, x: base64urlnopad.encode(publicKey) };
  const secret = isPrivate ? { d: base64urlnopad.encode(secretKey) } : {};
  // An OKP key is never bytes: those are for `oct`.
  return importJWK({ ...jwk, ...secret }, ALGORITHM) as Promise<WebKey>;
}
