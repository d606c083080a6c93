/** Exit codes of `brop`: 0 only when what was asked holds. Documented in docs/cli.md; numbers never change meaning. */
import { KeyFileError } from '../adapters/signer-file/key-file-error.ts';
import { BropError, type CodeName } from '../node-core/chain/codes.ts';

export const exit = {
  ok: 0,
  failure: 1,
  usage: 2,
  nodeUnreachable: 3,
  /** The chain refused or rejected the transaction. */
  refused: 4,
  /** Not final in time. */
  pending: 5,
  notFound: 6,
  form: 10,
  genesis: 11,
  validators: 12,
  certificate: 13,
  inclusion: 14,
  signature: 15,
  file: 16,
  rejected: 17,
  notExpired: 18,
  config: 20,
  unreadable: 21,
  portInUse: 22,
  store: 23,
  /** A file of a chain is wrong, missing or too much. */
  chainFile: 24,
  /** A snapshot does not hold. */
  snapshot: 25,
  /** Ctrl-C before what was asked was done: 128 + SIGINT, as shells say it. */
  interrupted: 130,
  // 69 (EX_UNAVAILABLE) is brop.mjs's: packages are missing.
} as const;

/** Ends the command with this exit code and one line for people. */
export class ExitError extends Error {
  readonly exitCode: number;
  readonly code: CodeName | undefined;
  constructor(exitCode: number, message: string, code?: CodeName) {
    super(message);
    this.name = 'ExitError';
    this.exitCode = exitCode;
    this.code = code;
  }
}

const BY_CODE: Partial<Record<CodeName, number>> = {
  PROOF_FORM: exit.form,
  PROOF_GENESIS: exit.genesis,
  PROOF_VALIDATORS: exit.validators,
  PROOF_CERTIFICATE: exit.certificate,
  PROOF_INCLUSION: exit.inclusion,
  PROOF_SIGNATURE: exit.signature,
  PROOF_FILE: exit.file,
  PROOF_REJECTED: exit.rejected,
  PROOF_NOT_EXPIRED: exit.notExpired,
  PROOF_EQUIVOCATION: exit.signature,
  CONFIG_INVALID: exit.config,
  FILE_UNREADABLE: exit.unreadable,
  PORT_IN_USE: exit.portInUse,
  STORE_OTHER_CHAIN: exit.store,
  STORE_LOCKED: exit.store,
  STORE_CORRUPT: exit.store,
  STORE_FULL: exit.store,
  BACKUP_INVALID: exit.store,
  CHAIN_FILE: exit.chainFile,
  SNAPSHOT_INVALID: exit.snapshot,
  SNAPSHOT_CHUNK: exit.snapshot,
  SNAPSHOT_UNAVAILABLE: exit.snapshot,
  NODE_UNREACHABLE: exit.nodeUnreachable,
  NOT_FOUND: exit.notFound,
  PRUNED: exit.notFound,
  BAD_REQUEST: exit.usage,
  COLLECTION_UNKNOWN: exit.usage,
  FIELD_UNKNOWN: exit.usage,
  FIELD_NOT_INDEXED: exit.usage,
  FILTER_INVALID: exit.usage,
  CURSOR_INVALID: exit.usage,
  INDEX_UNAVAILABLE: exit.nodeUnreachable,
  EVENT_TYPE_UNKNOWN: exit.usage,
  EVENT_FIELD_UNKNOWN: exit.usage,
  EVENT_CURSOR_INVALID: exit.usage,
  INTERNAL: exit.failure,
};

/** Codes of admission and business rules end with `refused`. */
export function exitCodeOf(code: CodeName): number {
  return BY_CODE[code] ?? exit.refused;
}

export function toExitError(error: unknown): ExitError {
  if (error instanceof ExitError) return error;
  if (error instanceof BropError) return new ExitError(exitCodeOf(error.code), error.message, error.code);
  if (error instanceof KeyFileError && error.code === 'io') return new ExitError(exit.unreadable, error.message);
  if (error instanceof KeyFileError && error.code !== 'exists') return new ExitError(exit.config, error.message);
  return new ExitError(exit.failure, error instanceof Error ? error.message : String(error));
}
