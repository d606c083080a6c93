/** What all parts of one simulation share: virtual time, chance, the network, the record of what happened. */
import { createHash, type Hash } from 'node:crypto';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { equal } from '../../node-core/codec/bytes.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import type { Log } from '../../node-core/ports/log.ts';
import { Chance } from './chance.ts';
import type { Consortium } from './fixture.ts';
import { Scheduler } from './scheduler.ts';
import { SetBook } from './set-book.ts';

export interface Failure {
  /** Which promise was broken. */
  readonly check: string;
  readonly message: string;
  readonly atMs: number;
}

/** Local time of a machine without skew at the start of every simulation. */
export const START_MS = 1_750_000_000_000;

export class World {
  readonly scheduler = new Scheduler();
  readonly failures: Failure[] = [];
  readonly counts = new Map<string, number>();
  /** Byzantine validators, by their index in the genesis. */
  readonly liars: readonly number[];
  /** How many machines there are. */
  peers = 0;
  readonly chance: Chance;
  readonly crypto: CryptoProvider;
  readonly consortium: Consortium;
  /** Which set decides which height. */
  readonly sets: SetBook;
  private readonly isVerbose: boolean;
  private readonly trace: Hash = createHash('sha256');

  constructor(
    seed: number,
    crypto: CryptoProvider,
    consortium: Consortium,
    liars: readonly number[],
    isVerbose: boolean,
  ) {
    this.chance = new Chance(`seed ${seed}`);
    this.crypto = crypto;
    this.consortium = consortium;
    this.liars = liars;
    this.isVerbose = isVerbose;
    this.sets = new SetBook(this);
  }

  get nowMs(): number {
    return this.scheduler.nowMs;
  }

  get hasFailed(): boolean {
    return this.failures.length > 0;
  }

  fail(check: string, message: string): void {
    this.failures.push({ check, message, atMs: Math.round(this.nowMs) });
    this.say(`FAILURE ${check}: ${message}`);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Index in the genesis of the validator with this account, as text; −1 for none. */
  validatorWithAccount(account: string): number {
    const { validators } = this.consortium.genesis.validators;
    return validators.findIndex(({ id }) => accountIdToText(id) === account);
  }

  isLiar(account: Uint8Array): boolean {
    const { validators } = this.consortium.genesis.validators;
    return this.liars.some((index) => equal(validators[index]!.id, account));
  }

  /** Makes an event part of the history whose hash two runs of a seed must share. */
  note(what: string, bytes?: Uint8Array): void {
    this.trace.update(`${this.nowMs} ${what}\n`);
    if (bytes !== undefined) this.trace.update(bytes);
  }

  traceHash(): string {
    return this.trace.copy().digest('hex').slice(0, 16);
  }

  say(line: string): void {
    if (this.isVerbose) process.stderr.write(`${(this.nowMs / 1_000).toFixed(3).padStart(9)} ${line}\n`);
  }

  /** The log of one machine; `look` sees every warning and error. */
  logOf(name: string, look: (level: string, message: string, fields: Readonly<Record<string, unknown>>) => void): Log {
    const write =
      (level: string) =>
      (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
        if (level !== 'debug' && this.isVerbose) this.say(`${name} ${level}: ${message} ${shown(fields)}`);
        if (level === 'warn' || level === 'error') look(level, message, fields);
      };
    return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  }
}

export function shown(value: unknown): string {
  return JSON.stringify(value, (_, part) => {
    if (part instanceof Uint8Array) return Buffer.from(part).toString('hex').slice(0, 16);
    if (typeof part === 'string' && part.length > 300) return `${part.slice(0, 300)}…`;
    return typeof part === 'bigint' ? String(part) : part;
  });
}
