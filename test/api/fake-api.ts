/** A chain that says what a test wants it to say, and readers of answers. For tests alone. */
import { expect } from 'vitest';
import { createApi } from '../../api/app.ts';
import type { Api, ApiOptions } from '../../api/parts.ts';
import type { CodeName } from '../../node-core/chain/codes.ts';
import { CODES } from '../../node-core/chain/codes.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { BlockView, ChainAccess, ChainStatus } from '../../node-core/ports/chain-access.ts';

export const SENDER = new Uint8Array(20).fill(7);
export const NONCE = new Uint8Array(32).fill(9);
export const PATH = `/v1/transactions/${accountIdToText(SENDER)}/${toHex(NONCE)}`;
export const NOW_MS = 1_700_000_000_000;

const hash = (fill: number) => new Uint8Array(32).fill(fill);

export const STATUS: ChainStatus = {
  genesisHash: hash(1),
  name: 'fake chain',
  protocolVersion: 1,
  height: 12,
  timeMs: NOW_MS - 1_000,
  logSize: 34,
  peers: 3,
  bestPeerHeight: 12,
  pending: { transactions: 5, bytes: 1_234 },
  validators: [{ account: SENDER, name: 'validator 0', power: 1 }],
  expiryWindow: 14_400,
  blockIntervalMs: 3_000,
  firstHeight: 1,
  equivocations: { count: 0, validators: [] },
  standbySigners: [],
  consensus: null,
};

export const BLOCK: BlockView = {
  header: {
    protocolVersion: 1,
    chain: hash(1),
    height: 12,
    timeMs: NOW_MS - 1_000,
    parent: hash(2),
    logSize: 34,
    logRoot: hash(3),
    transactionCount: 1,
    blockRoot: hash(4),
    stateRoot: hash(5),
    eventsRoot: hash(6),
    eventCount: 1,
    validatorsHash: hash(7),
    nextValidatorsHash: hash(7),
    round: 0,
    proposer: SENDER,
  },
  headerHash: hash(8),
  transactions: [{ sender: SENDER, nonce: NONCE, result: [2101, 0, 500, null, hash(9)] }],
  certificate: { round: 0, signatures: 3 },
};

/** Knows no transaction and no account, and accepts everything. */
export function fakeChain(overrides: Partial<ChainAccess> = {}): ChainAccess {
  return {
    genesis: new Uint8Array([0xd2, 0x84]),
    status: async () => STATUS,
    submit: async () => ({ sender: SENDER, nonce: NONCE, expiry: 100 }),
    submitAll: async (transactions) => transactions.map(() => ({ sender: SENDER, nonce: NONCE, expiry: 100 })),
    waitFinal: async () => false,
    transaction: async () => ({ status: 'unknown' }),
    receipt: async () => undefined,
    expiryCertificate: async () => ({ code: 'HEIGHT_NOT_REACHED' }),
    stateProof: async () => ({ code: 'HEIGHT_NOT_REACHED' }),
    subjectProof: async () => ({ code: 'HEIGHT_NOT_REACHED' }),
    equivocations: async () => [],
    equivocation: async () => undefined,
    block: async (height) => (height === STATUS.height ? BLOCK : undefined),
    account: async () => undefined,
    accountByName: async () => undefined,
    quote: async () => ({ cost: 500, available: 1_000, refusal: null }),
    ...overrides,
  };
}

export interface LoggedError {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

export function fakeApi(
  overrides: Partial<ChainAccess> = {},
  options: Partial<ApiOptions> = {},
): { readonly api: Api; readonly errors: LoggedError[]; readonly time: { ms: number } } {
  const errors: LoggedError[] = [];
  const quiet = () => {};
  const log = {
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: (message: string, fields?: LoggedError['fields']) => void errors.push({ message, fields }),
  };
  const time = { ms: NOW_MS };
  const clock = { now: () => time.ms, schedule: () => quiet };
  return { api: createApi({ chain: fakeChain(overrides), clock, log, ...options }), errors, time };
}

export const COSE = { 'Content-Type': 'application/cose' } as const;

export function post(
  body: NonNullable<RequestInit['body']> | Uint8Array,
  headers: Readonly<Record<string, string>> = COSE,
): RequestInit {
  return { method: 'POST', body: body as NonNullable<RequestInit['body']>, headers };
}

/** Checks that an answer is the problem of this code in every respect, and gives its members. */
export async function expectProblem(
  response: Response,
  code: CodeName,
  status: number,
): Promise<Record<string, unknown>> {
  const text = await response.text();
  expect(response.headers.get('Content-Type'), text).toBe('application/problem+json');
  const problem = JSON.parse(text) as Record<string, unknown>;
  const { number, text: title } = CODES[code];
  const expected = { type: `urn:brop:code:${number}`, title, status, code: number, name: code };
  expect(problem).toMatchObject(expected);
  expect(response.status).toBe(status);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  return problem;
}
