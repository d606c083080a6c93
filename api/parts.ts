/** What the API is made of, and what it is given by the process that composes it. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Registry } from 'prom-client';
import type { CryptoProvider } from '../node-core/crypto/provider.ts';
import type { EventLog } from '../node-core/middleware/events/event-log.ts';
import type { RecordSearch } from '../node-core/middleware/query/query.ts';
import type { AuditLog } from '../node-core/ports/audit-log.ts';
import type { ChainAccess } from '../node-core/ports/chain-access.ts';
import type { PublishedFiles } from '../node-core/ports/chain-files.ts';
import type { Clock } from '../node-core/ports/clock.ts';
import type { Hosting } from '../node-core/ports/hosting.ts';
import type { Log } from '../node-core/ports/log.ts';
import type { SingleUse } from '../node-core/ports/single-use.ts';
import type { SubscriptionAccess } from '../node-core/ports/subscription-access.ts';
import type { TokenKeys } from '../node-core/ports/token-keys.ts';
import type { Tracing } from '../node-core/ports/tracing.ts';
import type { Challenges } from './auth/challenges.ts';
import type { Principal, Tokens } from './auth/tokens.ts';
import type { Intake } from './http/intake.ts';
import type { RateLimiter } from './http/rate-limit.ts';
import type { WaitingRoom } from './http/waiting-room.ts';
import type { ApiLimits } from './limits.ts';

export interface ApiOptions {
  readonly chain: ChainAccess;
  /** Served at /v1/events; without it there are none. */
  readonly events?: EventLog | undefined;
  /** Managed at /v1/subscriptions; without it there are none. */
  readonly subscriptions?: SubscriptionAccess | undefined;
  /** Served at /files/; without them there are none. */
  readonly files?: PublishedFiles;
  /** Offered at /v1/hosting/; without it nothing is hosted. */
  readonly hosting?: Hosting | undefined;
  /** What /v1/records searches; without it there is nothing to search. */
  readonly records?: RecordSearch | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Hashes for entity tags and key IDs; the pure provider without one. */
  readonly crypto?: CryptoProvider;
  /** Rendered at /metrics with the API's own; the composition root may have put process metrics into it. */
  readonly metrics?: Registry | undefined;
  readonly tracing?: Tracing | undefined;
  readonly limits?: Partial<ApiLimits>;
  readonly authentication?: Partial<AuthenticationOptions>;
  /** Of management calls; without one nothing is recorded. */
  readonly audit?: AuditLog;
}

/** What is left out is of this process alone: fine for one node, wrong for many functions behind one name. */
export interface AuthenticationOptions {
  /** Scheme, host and port under which clients reach this node; without any, nobody can log in. */
  readonly origins: readonly string[];
  readonly tokenKeys: TokenKeys;
  readonly singleUse: SingleUse;
  /** 32 secret bytes by which challenges are known again. */
  readonly challengeSecret: Uint8Array;
}

export interface ApiParts {
  readonly chain: ChainAccess;
  readonly events: EventLog | undefined;
  readonly subscriptions: SubscriptionAccess | undefined;
  readonly files: PublishedFiles | undefined;
  readonly hosting: Hosting | undefined;
  readonly records: RecordSearch | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly crypto: CryptoProvider;
  readonly limits: ApiLimits;
  readonly tracing: Tracing | undefined;
  readonly waiting: WaitingRoom;
  readonly intake: Intake;
  readonly challenges: Challenges;
  readonly tokens: Tokens;
  readonly audit: AuditLog | undefined;
  /** Of accounts that ask with a token. */
  readonly accountLimiter: RateLimiter;
}

/** What the composition root passes with each request, as the second argument of `app.fetch`. */
export interface ApiBindings {
  /** Address of the client as the composition root trusts it. Without it a request is not rate-limited here. */
  readonly remoteAddress?: string;
  /** Of this request and its repetitions, from whoever calls the API, never from the client. Without it each is its own. */
  readonly requestId?: string;
}

export interface ApiEnv {
  Bindings: ApiBindings;
  Variables: {
    /** Takes further tokens of the address for a request that costs more than others; false when there are too few. */
    readonly charge?: (tokens: number) => boolean;
    /** Who asks, behind `authenticate`. */
    readonly principal?: Principal;
  };
}

export type Api = OpenAPIHono<ApiEnv>;
