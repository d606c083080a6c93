// Made by scripts/api-types.ts from docs/openapi.json: do not edit.
import type { Scope } from '../node-core/chain/scopes.ts';

/** The scope of each request that needs an access token. */
export const SCOPE_OF: Readonly<Record<string, Scope>> = {
  'GET /v1/audit': 'audit:read',
  'GET /v1/subscriptions': 'subscriptions:manage',
  'POST /v1/subscriptions': 'subscriptions:manage',
  'GET /v1/subscriptions/{id}': 'subscriptions:manage',
  'PATCH /v1/subscriptions/{id}': 'subscriptions:manage',
  'DELETE /v1/subscriptions/{id}': 'subscriptions:manage',
  'POST /v1/subscriptions/{id}/ping': 'subscriptions:manage',
  'POST /v1/subscriptions/{id}/replay': 'subscriptions:manage',
  'POST /v1/subscriptions/{id}/rotate': 'subscriptions:manage',
  'GET /v1/subscriptions/{id}/attempts': 'subscriptions:manage',
  'POST /v1/hosting/files': 'hosting:manage',
  'GET /v1/hosting/files/{id}/state': 'hosting:manage',
  'GET /v1/hosting/usage': 'hosting:manage',
};

export interface paths {
  "/v1/transactions": {
    /** Submit a signed transaction */
    post: {
      parameters: {
        query?: never;
        header?: {
          prefer?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/cose": Blob | Uint8Array<ArrayBuffer>;
          "application/json": components['schemas']['TransactionJson'];
        };
      };
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/vnd.brop.receipt+cbor": Blob | Uint8Array<ArrayBuffer>;
            "application/json": (components['schemas']['FinalTransaction'] | components['schemas']['ProofJson']);
            "application/cose": Blob | Uint8Array<ArrayBuffer>;
          };
        };
        202: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['SubmittedTransaction'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        406: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        409: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        410: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        413: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        415: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        422: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        503: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/transactions/batch": {
    /** Submit many signed transactions */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/cbor": Blob | Uint8Array<ArrayBuffer>;
        };
      };
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['BatchOutcomes'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        413: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        415: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        503: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/transactions/prepare": {
    /** The exact bytes to sign, and what they say */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components['schemas']['PrepareRequest'];
        };
      };
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['PreparedTransaction'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        413: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        415: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/transactions/{sender}/{nonce}": {
    /** Where a transaction is: pending, final, expired or unknown */
    get: {
      parameters: {
        query?: {
          expiry?: string;
        };
        header?: never;
        path: {
          sender: string;
          nonce: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": (components['schemas']['PendingTransaction'] | components['schemas']['FinalTransaction'] | components['schemas']['ExpiredTransaction'] | components['schemas']['UnknownTransaction']);
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        410: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/transactions/{sender}/{nonce}/receipt": {
    /** The receipt of a final transaction */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          sender: string;
          nonce: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/vnd.brop.receipt+cbor": Blob | Uint8Array<ArrayBuffer>;
            "application/json": components['schemas']['ProofJson'];
            "application/cose": Blob | Uint8Array<ArrayBuffer>;
          };
        };
        304: {
          headers: { readonly [name: string]: unknown };
          content?: never;
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        406: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        410: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        422: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/transactions/{sender}/{nonce}/expiry-certificate": {
    /** Proof that a transaction was never packed and never can be (超时证明) */
    get: {
      parameters: {
        query: {
          expiry: string;
        };
        header?: never;
        path: {
          sender: string;
          nonce: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/vnd.brop.expiry-certificate+cbor": Blob | Uint8Array<ArrayBuffer>;
            "application/json": components['schemas']['ProofJson'];
          };
        };
        304: {
          headers: { readonly [name: string]: unknown };
          content?: never;
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        406: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        409: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        410: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/quote": {
    /** A dry run: what a transaction would cost */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/cose": Blob | Uint8Array<ArrayBuffer>;
          "application/json": components['schemas']['TransactionJson'];
        };
      };
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['Quote'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        413: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        415: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/auth/challenge": {
    /** A challenge for an account to sign */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components['schemas']['ChallengeRequest'];
        };
      };
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['Challenge'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        413: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        415: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/auth/token": {
    /** An access token for a signed challenge */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components['schemas']['TokenRequest'];
        };
      };
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['AccessToken'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        413: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        415: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        503: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/audit": {
    /** What this account has done here */
    get: {
      parameters: {
        query?: {
          before?: string;
          limit?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['AuditPage'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        401: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/events": {
    /** Events, in the order of the chain */
    get: {
      parameters: {
        query?: {
          after?: string;
          type?: (string)[];
          where?: (string)[];
          limit?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['EventPage'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        410: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/events/stream": {
    /** Events as they become final (Server-Sent Events) */
    get: {
      parameters: {
        query?: {
          after?: string;
          type?: (string)[];
          where?: (string)[];
        };
        header?: {
          "last-event-id"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "text/event-stream": string;
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        410: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/subscriptions": {
    /** Your subscriptions */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['Subscriptions'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        401: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
    /** Be told of events by webhook */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components['schemas']['NewSubscription'];
        };
      };
      responses: {
        201: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['SubscriptionWithKey'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        401: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        409: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        410: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        413: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        415: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        422: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/subscriptions/{id}": {
    /** One of your subscriptions, and how its deliveries are */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['Subscription'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        401: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
    /** Change, enable or disable a subscription */
    patch: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components['schemas']['SubscriptionUpdate'];
        };
      };
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['Subscription'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        401: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        410: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        413: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        415: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        422: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
    /** End a subscription */
    delete: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        204: {
          headers: { readonly [name: string]: unknown };
          content?: never;
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        401: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/subscriptions/{id}/ping": {
    /** Send a test message now */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['DeliveryAttempt'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        401: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        503: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/subscriptions/{id}/replay": {
    /** Deliver a range again */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components['schemas']['ReplayRange'];
        };
      };
      responses: {
        202: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['Subscription'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        401: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        409: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        410: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        413: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        415: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/subscriptions/{id}/rotate": {
    /** A new key to verify with */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components['schemas']['KeyRotation'];
        };
      };
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['SubscriptionWithKey'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        401: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        413: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        415: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/subscriptions/{id}/attempts": {
    /** The newest attempts to deliver, and what came of each */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['DeliveryAttempts'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        401: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/hosting/files": {
    /** Ask for an upload */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components['schemas']['FileToHost'];
        };
      };
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['HostedUpload'];
          };
        };
        201: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['HostedUpload'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        401: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        413: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        415: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/hosting/files/{id}/state": {
    /** How one of your files is */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['HostedFile'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        401: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/hosting/usage": {
    /** What you host, and what was downloaded */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['HostingUsage'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        401: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        403: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/hosting/files/{id}": {
    /** Download a hosted file */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        302: {
          headers: { readonly [name: string]: unknown };
          content?: never;
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        503: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/status": {
    /** The chain as this node has it */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['ChainStatus'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/blocks/{height}": {
    /** A block: its header and what became of its transactions */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          height: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['Block'];
          };
        };
        304: {
          headers: { readonly [name: string]: unknown };
          content?: never;
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        410: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/state-proof": {
    /** Proof that a state key has a value, or none, at the newest height */
    get: {
      parameters: {
        query?: {
          key?: string;
          account?: string;
          record?: string;
          subject?: string;
          registrant?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/vnd.brop.state-proof+cbor": Blob | Uint8Array<ArrayBuffer>;
            "application/json": components['schemas']['ProofJson'];
          };
        };
        304: {
          headers: { readonly [name: string]: unknown };
          content?: never;
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        406: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/equivocations": {
    /** Validators that have contradicted themselves, as far as this node has evidence */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['Equivocations'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/equivocations/{validator}/{height}/{kind}": {
    /** Evidence of one equivocation, for brop verify and every other verifier */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          validator: string;
          height: string;
          kind: "prevote" | "precommit" | "proposal";
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/vnd.brop.equivocation+cbor": Blob | Uint8Array<ArrayBuffer>;
          };
        };
        304: {
          headers: { readonly [name: string]: unknown };
          content?: never;
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/genesis": {
    /** The exact bytes of the genesis */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/cose": Blob | Uint8Array<ArrayBuffer>;
          };
        };
        304: {
          headers: { readonly [name: string]: unknown };
          content?: never;
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/files/{path}": {
    /** The chain as plain files */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          path: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/octet-stream": Blob | Uint8Array<ArrayBuffer>;
            "text/plain": string;
          };
        };
        206: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/octet-stream": Blob | Uint8Array<ArrayBuffer>;
          };
        };
        304: {
          headers: { readonly [name: string]: unknown };
          content?: never;
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        416: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/records": {
    /** Search by business fields */
    get: {
      parameters: {
        query?: {
          collection?: string;
          where?: (string)[];
          sort?: string;
          limit?: string;
          cursor?: string;
          count?: "true" | "false";
          proof?: "true" | "false";
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['RecordPage'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        410: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        503: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/subject-proof": {
    /** All records of a subject between two heights, proven complete */
    get: {
      parameters: {
        query: {
          registrant: string;
          subject: string;
          from?: string;
          to?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/vnd.brop.subject-proof+cbor": Blob | Uint8Array<ArrayBuffer>;
            "application/json": components['schemas']['ProofJson'];
          };
        };
        304: {
          headers: { readonly [name: string]: unknown };
          content?: never;
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        406: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        422: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/codes": {
    /** Every numbered code */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['Codes'];
          };
        };
        304: {
          headers: { readonly [name: string]: unknown };
          content?: never;
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/accounts/{id}": {
    /** An account: kind, key, certification and quota */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['Account'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/v1/accounts": {
    /** The account that bears a name */
    get: {
      parameters: {
        query: {
          name: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['Account'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        404: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/healthz": {
    /** Whether the newest block is recent */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/json": components['schemas']['Health'];
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        503: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
  "/metrics": {
    /** Metrics for Prometheus */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: {
          headers: { readonly [name: string]: unknown };
          content: {
            "text/plain": string;
          };
        };
        400: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        414: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        429: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
        500: {
          headers: { readonly [name: string]: unknown };
          content: {
            "application/problem+json": components['schemas']['Problem'];
          };
        };
      };
    };
  };
}

export interface components {
  schemas: {
    TransactionJson: {
      /** Exact bytes of the COSE_Sign1, base64url without padding. */
      transaction: string;
      /** With a transaction as POST /v1/transactions/prepare gives it: what goes into the place of its 64 zero bytes. 64 bytes, or ECDSA on P-256 in DER; of its two forms of S either will do. */
      signature?: string;
    };
    FinalTransaction: {
      status: "final";
      /** Account ID, bech32m. */
      sender: string;
      /** Nonce, 32 bytes in hexadecimal. */
      nonce: string;
      height: number;
      /** Place in the block. */
      index: number;
      /** false: packed with a rejection, and charged. */
      applied: boolean;
      /** 0 when applied, otherwise the number of the rejection. */
      code: number;
      /** Name of the rejection, null when applied. */
      name: (string | null);
      /** Which operation was rejected. */
      operation: (number | null);
      /** Quota points charged. */
      cost: number;
      /** Place in the log; null when it was rejected. */
      logIndex: (number | null);
      links: {
        /** Path on this server. */
        self: string;
        /** Path on this server. */
        receipt: string;
        /** Path on this server. */
        block: string;
      };
    };
    /** JSON form of a proof (docs/spec); the CBOR file can be made from it again. */
    ProofJson: {
      /** Every field of the file, bytes in hexadecimal. */
      proof: {
        type: string;
        [name: string]: unknown;
      };
      /** The same for people; bound to the proof when it is read back. */
      readable: {
        [name: string]: unknown;
      };
      [name: string]: unknown;
    };
    /** Identity and expiry; keep both until the transaction is final or has expired. */
    SubmittedTransaction: {
      status: "pending";
      /** Account ID, bech32m. */
      sender: string;
      /** 32 bytes in hexadecimal. */
      nonce: string;
      expiry: number;
      /** Path on this server. */
      location: string;
    };
    /** RFC 9457 problem with the numbered code. */
    Problem: {
      /** urn:brop:code: and the number */
      type: string;
      /** The same for every problem of this code. */
      title: string;
      /** The HTTP status. */
      status: number;
      /** What is particular to this request. */
      detail?: string;
      /** The number of the code (docs/spec/codes.md, /v1/codes). */
      code: number;
      /** The name of the code. */
      name: string;
      /** With code 5000: names the entry in the log of the node. */
      requestId?: string;
      [name: string]: unknown;
    };
    /** One outcome for each transaction, in their order. */
    BatchOutcomes: {
      outcomes: ((components['schemas']['BatchAccepted'] | components['schemas']['BatchRefused']))[];
    };
    /** Accepted for packing, as by a submission of its own. */
    BatchAccepted: {
      status: 202;
      /** Account ID, bech32m. */
      sender: string;
      /** 32 bytes in hexadecimal. */
      nonce: string;
      expiry: number;
    };
    BatchRefused: {
      /** The HTTP status that a submission of its own would have got. */
      status: number;
      code: number;
      name: string;
      detail?: string;
      /** Seconds after which it is worth trying again. */
      retryAfter?: number;
    };
    PreparedTransaction: {
      /** The exact bytes to sign: the Sig_structure of RFC 9052 §4.4. The suite of the key hashes them. */
      message: string;
      /** SHA-256 of `message`: what ECDSA on P-256 signs, where a device wants it. */
      sha256: string;
      /** The transaction with 64 zero bytes in the place of the signature, which are its last 64. */
      transaction: string;
      /** Account ID, bech32m. */
      sender: string;
      /** 32 bytes in hexadecimal. */
      nonce: string;
      expiry: number;
      /** What the bytes say, read back from them. */
      summary: {
        /** 32 bytes in hexadecimal. */
        chain: string;
        /** Account ID, bech32m. */
        sender: string;
        key: {
          suite: "p256" | "ed25519" | "sm2";
          id: string;
        };
        label: string;
        /** 32 bytes in hexadecimal. */
        nonce: string;
        expiry: number;
        operations: ({
          type: string;
          body: {
            [name: string]: unknown;
          };
        })[];
      };
      /** The summary in lines for people. */
      text: (string)[];
      quote: components['schemas']['Quote'];
    };
    Quote: {
      /** Points that it would cost in the next block. */
      cost: number;
      /** Points of the sender now, less what its pending transactions will take. */
      available: number;
      /** Why it would be refused now, the signature apart; null when it would be accepted. */
      refusal: ({
        code: number;
        name: string;
        title: string;
        detail?: string;
      } | null);
    };
    PrepareRequest: {
      /** Account ID, bech32m. */
      sender: string;
      operations: (components['schemas']['OperationJson'])[];
      /** What it is about, for people; the type of the first operation without it. */
      label?: string;
      /** Random; chosen by the node without it. */
      nonce?: string;
      /** Last height at which it may be packed. */
      expiry?: number;
      /** Instead of `expiry`; 600 without either. */
      expiresInSeconds?: number;
    };
    OperationJson: {
      type: string;
      /** The body as JSON (docs/spec/operations.md): bytes in hexadecimal, accounts as brop1…, keys as {"suite", "key"}. For evidence.register, evidence.registerBatch, evidence.registerSchema, identity.certify, governance.admitPartner, governance.admitValidator, governance.registerNode, governance.unregisterNode, governance.setValidators. */
      body?: {
        [name: string]: unknown;
      };
      /** Instead of `body`, for any type: its CBOR in base64url. */
      cbor?: string;
    };
    /** Accepted for packing by this node; no promise that it will be packed. */
    PendingTransaction: {
      status: "pending";
      /** Account ID, bech32m. */
      sender: string;
      /** Nonce, 32 bytes in hexadecimal. */
      nonce: string;
      expiry: number;
      links: {
        /** Path on this server. */
        self: string;
      };
    };
    /** With this expiry it was never packed and never can be. */
    ExpiredTransaction: {
      status: "expired";
      /** Account ID, bech32m. */
      sender: string;
      /** Nonce, 32 bytes in hexadecimal. */
      nonce: string;
      expiry: number;
      /** Expiry certificate (超时证明), base64url; null when the proof is no longer kept. */
      certificate: (string | null);
      links: {
        /** Path on this server. */
        self: string;
        /** Path on this server. */
        certificate: string;
      };
    };
    /** This node has not seen it, or has forgotten it: proof of nothing. */
    UnknownTransaction: {
      status: "unknown";
      /** Account ID, bech32m. */
      sender: string;
      /** Nonce, 32 bytes in hexadecimal. */
      nonce: string;
      links: {
        /** Path on this server. */
        self: string;
      };
    };
    Challenge: {
      /** To be sent back as it is, to POST /v1/auth/token. */
      challenge: string;
      /** The exact bytes to sign with the key of the account: the Sig_structure in the challenge. */
      message: string;
      /** Account ID, bech32m. */
      account: string;
      scopes: (string)[];
      /** Sign only when this is how you reach the node. */
      origin: string;
      /** Milliseconds since 1970 UTC. */
      expiresMs: number;
    };
    ChallengeRequest: {
      /** Account ID, bech32m. */
      account: string;
      scopes: ("subscriptions:manage" | "hosting:manage" | "records:read" | "audit:read")[];
      /** By which the client reaches the node; the name of the node without it. */
      origin?: string;
    };
    /** Members as in RFC 6749 §5.1. There is no refresh token: sign again. */
    AccessToken: {
      access_token: string;
      token_type: "Bearer";
      /** Seconds. */
      expires_in: number;
      /** What it is good for, separated by blanks. */
      scope: string;
    };
    TokenRequest: {
      /** As it came. */
      challenge: string;
      /** Of `message`, by the key of the account: 64 bytes, or ECDSA on P-256 in DER. */
      signature: string;
    };
    AuditPage: {
      entries: (components['schemas']['AuditEntry'])[];
      /** `before` of the next page; null when this is the last. */
      next: (number | null);
    };
    AuditEntry: {
      /** Ascending with time. */
      number: number;
      /** Milliseconds since 1970 UTC. */
      timeMs: number;
      action: string;
      /** What it was about. */
      target: (string | null);
      /** `done`, the name of the code of the refusal, or why a subscription was disabled. */
      outcome: string;
      /** Names the access token (`jti`); empty for what the node did: `subscription.disabled`. */
      tokenId: string;
    };
    EventPage: {
      events: (components['schemas']['Event'])[];
      /** For `after` of the next request. */
      next: string;
      /** The newest final height. */
      height: number;
    };
    Event: {
      /** The same on every node, and the cursor after which to go on. */
      id: string;
      /** docs/asyncapi.json has them all. */
      type: string;
      /** Time of the block. */
      timestamp: string;
      height: number;
      /** Not with what is of the block as a whole. */
      transaction?: {
        /** Account ID, bech32m. */
        sender: string;
        /** 32 bytes in hexadecimal. */
        nonce: string;
        index: number;
        operation: (number | null);
      };
      data: {
        [name: string]: (string | number | boolean | ((string | number | boolean))[]);
      };
      links: {
        /** Path on this server. */
        block: string;
        /** Path on this server. */
        transaction?: string;
        /** Path on this server. */
        receipt?: string;
      };
    };
    Subscriptions: {
      subscriptions: (components['schemas']['Subscription'])[];
    };
    Subscription: {
      id: string;
      /** Account ID, bech32m. */
      owner: string;
      url: string;
      description: string;
      types: (string)[];
      filter: {
        [name: string]: (string | number | boolean);
      };
      /** Milliseconds since 1970 UTC. */
      createdMs: number;
      /** failing: it is tried again at `failing.nextMs`. disabled: nothing is sent until it is enabled. */
      status: "active" | "failing" | "disabled";
      failing: ({
        /** Milliseconds since 1970 UTC. */
        sinceMs: number;
        attempts: number;
        /** Milliseconds since 1970 UTC. */
        nextMs: number;
      } | null);
      disabled: ({
        /** gone: it answered 410. failing: the whole retry schedule has failed. address: it leads to an address that is never connected to. pruned: the node no longer keeps what is undelivered. owner: you have said so. */
        reason: "gone" | "failing" | "address" | "pruned" | "owner";
        /** Milliseconds since 1970 UTC. */
        atMs: number;
      } | null);
      /** The event, or the height, up to which nothing is undelivered; null at first. */
      delivered: (string | null);
      /** Whether something is undelivered, as far as has been looked. */
      behind: boolean;
      replaying: boolean;
      keys: ({
        /** v1a: Ed25519, verified with a public key. v1: HMAC-SHA256, with a secret that both sides hold. */
        signature: "v1a" | "v1";
        /** whpk_…; null for v1, whose secret is shown once. */
        publicKey: (string | null);
        /** Until when it signs beside the newer one. */
        untilMs: (number | null);
      })[];
      links: {
        /** Path on this server. */
        self: string;
        /** Path on this server. */
        attempts: string;
      };
    };
    SubscriptionWithKey: (components['schemas']['Subscription'] & {
      /** What verifies messages from now on: whpk_… (public), or whsec_… (secret, not shown again). */
      verificationKey: string;
    });
    NewSubscription: {
      /** https, a public host, no user name, no fragment. A devnet takes http to its own machine. */
      url: string;
      /** None: every type. */
      types?: (string)[];
      /** Fields that an event must have with exactly this value; a list has it among its values. */
      filter?: {
        [name: string]: (string | number | boolean);
      };
      description?: string;
      /** v1a: Ed25519, verified with a public key. v1: HMAC-SHA256, with a secret that both sides hold. */
      signature?: "v1a" | "v1";
      /** The ID of an event, or a height: what comes after it. */
      after?: string;
    };
    SubscriptionUpdate: {
      /** https, a public host, no user name, no fragment. A devnet takes http to its own machine. */
      url?: string;
      /** None: every type. */
      types?: (string)[];
      /** Fields that an event must have with exactly this value; a list has it among its values. */
      filter?: {
        [name: string]: (string | number | boolean);
      };
      description?: string;
      /** true goes on where it was, and tries again at once. */
      enabled?: boolean;
      /** With `enabled: true`: goes on from there instead. */
      after?: string;
    };
    DeliveryAttempt: {
      number: number;
      /** `webhook-id`: the same at each attempt for a message. */
      event: string;
      type: string;
      /** Milliseconds since 1970 UTC. */
      atMs: number;
      durationMs: number;
      /** What it answered; null when it did not. */
      status: (number | null);
      /** address, dns, connect, tls, timeout, garbage or too-large; null when there was an answer. */
      failure: (string | null);
    };
    ReplayRange: {
      /** The ID of an event, or a height: what comes after it. */
      after: string;
      /** The last height; the newest without it. */
      throughHeight?: number;
    };
    KeyRotation: {
      /** v1a: Ed25519, verified with a public key. v1: HMAC-SHA256, with a secret that both sides hold. */
      signature?: "v1a" | "v1";
    };
    DeliveryAttempts: {
      attempts: (components['schemas']['DeliveryAttempt'])[];
    };
    HostedUpload: {
      file: components['schemas']['HostedFile'];
      /** A form (multipart/form-data): all fields, then the content as `file`, posted to `url`. null: it is stored. */
      upload: ({
        url: string;
        fields: {
          [name: string]: string;
        };
        /** Milliseconds since 1970 UTC. */
        expiresMs: number;
      } | null);
    };
    HostedFile: {
      id: string;
      /** Account ID, bech32m. */
      account: string;
      /** 32 bytes in hexadecimal. */
      sha256: string;
      sizeBytes: number;
      mediaType: string;
      /** expected: post it. stored: kept. refused: what was posted was something else; ask again. */
      state: "expected" | "stored" | "refused";
      /** Where anybody finds it once it is registered. */
      address: string;
      /** SHA-256 of the address: the field `hosted` of evidence.register. */
      hosted: string;
      /** Milliseconds since 1970 UTC. */
      askedMs: number;
      /** Milliseconds since 1970 UTC. */
      storedMs: (number | null);
      /** Until when the lock keeps it: docs/hosting.md. */
      retainedUntilMs: (number | null);
    };
    FileToHost: {
      /** SHA-256 digest of the content. */
      sha256: string;
      /** Its length, at most 268435456. */
      sizeBytes: number;
      mediaType: string;
    };
    HostingUsage: {
      files: number;
      bytes: number;
      /** Downloads that were begun, by month in UTC, the newest first. */
      served: ({
        month: string;
        files: number;
        bytes: number;
      })[];
    };
    ChainStatus: {
      /** 32 bytes in hexadecimal. */
      genesisHash: string;
      name: string;
      protocolVersion: number;
      height: number;
      /** Time of the newest block, ms; of the genesis at height 0. */
      timeMs: number;
      logSize: number;
      peers: number;
      bestPeerHeight: number;
      pending: {
        transactions: number;
        bytes: number;
      };
      validators: ({
        /** Account ID, bech32m. */
        account: string;
        name: string;
        power: number;
      })[];
      /** Furthest expiry ahead, in heights. */
      expiryWindow: number;
      blockIntervalMs: number;
      /** The first height whose block this node keeps. */
      firstHeight: number;
      /** Evidence against validators that have contradicted themselves: /v1/equivocations. */
      equivocations: {
        count: number;
        validators: (string)[];
      };
      /** Validators whose newest signature under a block is by their standby key: their primary one is out of use. */
      standbySigners: (string)[];
      /** Of a validator; otherwise null. */
      consensus: ({
        height: number;
        round: number;
      } | null);
    };
    Block: {
      height: number;
      /** Header hash. */
      hash: string;
      /** Milliseconds since 1970 UTC. */
      timeMs: number;
      time: string;
      protocolVersion: number;
      /** Genesis hash. */
      chain: string;
      /** 32 bytes in hexadecimal. */
      parent: string;
      /** Entries of the log after this block. */
      logSize: number;
      /** 32 bytes in hexadecimal. */
      logRoot: string;
      /** 32 bytes in hexadecimal. */
      blockRoot: string;
      /** 32 bytes in hexadecimal. */
      stateRoot: string;
      /** 32 bytes in hexadecimal. */
      eventsRoot: string;
      eventCount: number;
      /** 32 bytes in hexadecimal. */
      validatorsHash: string;
      /** 32 bytes in hexadecimal. */
      nextValidatorsHash: string;
      /** Round in which it was first proposed. */
      round: number;
      /** Account ID, bech32m. */
      proposer: string;
      certificate: {
        round: number;
        signatures: number;
      };
      transactions: ({
        /** Account ID, bech32m. */
        sender: string;
        /** 32 bytes in hexadecimal. */
        nonce: string;
        code: number;
        name: (string | null);
        operation: (number | null);
        cost: number;
        logIndex: (number | null);
      })[];
      links: {
        /** Path on this server. */
        self: string;
        /** Path on this server. */
        parent: string;
      };
    };
    Equivocations: {
      equivocations: ({
        /** Account ID, bech32m. */
        validator: string;
        height: number;
        /** What the validator signed twice. */
        kind: "prevote" | "precommit" | "proposal";
        /** Path on this server. */
        evidence: string;
      })[];
    };
    RecordPage: {
      records: (components['schemas']['Record'])[];
      /** Cursor of the next page; null after the last. */
      next: (string | null);
      count: ({
        value: number;
        /** false: there are more. */
        exact: boolean;
      } | null);
      /** The heights of the chain that the index covers. */
      index: {
        from: number;
        height: number;
      };
    };
    Record: {
      collection: string;
      /** Of evidence the record ID, of accounts the account ID, and so on. */
      key: string;
      /** Of the block that has written it. */
      height: number;
      /** Milliseconds since 1970 UTC. */
      timeMs: number;
      /** Place of the transaction in the block, from 1; 0: the block itself. */
      transaction: number;
      /** Who sent the transaction. */
      sender: (string | null);
      /** Its nonce: sender and nonce name the receipt. */
      nonce: (string | null);
      fields: {
        [name: string]: (string | number | boolean | ((string | number | boolean))[]);
      };
      /** With proof=true: the receipt of the transaction, base64url, from which the whole row follows; null for what no transaction has written. */
      receipt?: (string | null);
    };
    Codes: {
      codes: ({
        number: number;
        name: string;
        title: string;
        /** HTTP status of a problem with this code, unless HTTP has a finer one. */
        status: number;
      })[];
    };
    Account: {
      /** Account ID, bech32m. */
      id: string;
      kind: "operator" | "validator" | "partner" | "user";
      name?: string;
      key: {
        suite: "p256" | "ed25519" | "sm2";
        /** Hexadecimal: 04‖x‖y, or 32 bytes for ed25519. */
        bytes: string;
        /** The kid in signatures, 16 bytes in hexadecimal. */
        id: string;
      };
      quota: {
        /** Points now. */
        points: number;
        max: number;
        /** Time in which `max` points are regained, ms. */
        periodMs: number;
      };
      /** Height of the block that created it; 0 for the genesis. */
      createdHeight: number;
      legal?: {
        version: string;
        /** 32 bytes in hexadecimal. */
        digest: string;
      };
      permissions?: ("identity" | "evidence" | "voucher")[];
      /** Account ID, bech32m. */
      certifier?: string;
      level?: "certificate" | "realname" | "anonymous" | "phone" | "registered";
      subject?: "person" | "organisation";
      /** 32 bytes in hexadecimal. */
      commitment?: string;
      /** Digest of the legal document that the user accepted. */
      terms?: string;
      /** Milliseconds since 1970 UTC. */
      validUntilMs?: number;
      links: {
        /** Path on this server. */
        self: string;
        /** Path on this server. */
        proof: string;
      };
    };
    Health: {
      /** `starting`: the chain has no block yet, as far as its peers know. */
      status: "ok" | "starting";
      height: number;
      /** Age of the newest block. */
      ageMs: number;
      /** Age from which the node counts as behind. */
      maxAgeMs: number;
      /** Blocks that a peer has and this node has not. */
      behindBlocks: number;
      peers: number;
    };
  };
}
