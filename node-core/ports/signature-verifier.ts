import type { PublicKey } from '../crypto/provider.ts';

export interface SignatureCheck {
  readonly key: PublicKey;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export type SignatureVerifierErrorCode = 'overloaded' | 'closed';

export class SignatureVerifierError extends Error {
  readonly code: SignatureVerifierErrorCode;
  constructor(code: SignatureVerifierErrorCode, message: string) {
    super(message);
    this.name = 'SignatureVerifierError';
    this.code = code;
  }
}

/**
 * Checks many signatures, off the main thread where there is one. Results are in the order of the checks.
 * Rejects with SignatureVerifierError: 'overloaded' when too many checks wait already, 'closed' after `close`.
 */
export interface SignatureVerifier {
  /** `urgent` checks, those of blocks and certificates, go before all others and are never refused for load. */
  verify(checks: readonly SignatureCheck[], urgent?: boolean): Promise<readonly boolean[]>;
  close(): Promise<void>;
}
