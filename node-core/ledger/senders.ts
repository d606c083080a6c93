/** Senders as they were before the block: records and quotas, decoded and hashed once and not for each transaction. */
import { type AccountRecord, decodeAccount } from '../chain/account.ts';
import type { AccountId } from '../chain/identifiers.ts';
import { stateKey } from '../chain/state-keys.ts';
import { keyText } from '../codec/bytes.ts';
import { keyId } from '../crypto/keys.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { quotaOf } from './accounts.ts';
import type { Quota } from './quota.ts';
import type { StateReader } from './state.ts';

export interface SenderRecord {
  readonly account: AccountRecord;
  readonly keyId: Uint8Array;
  /** The exact record in the state, and its SHA-256, as results refer to it. */
  readonly bytes: Uint8Array;
  readonly digest: Uint8Array;
  readonly quota: Quota;
}

/** Records kept between two blocks; beyond it they are read again. */
const MAX_KEPT = 10_000;

export class Senders {
  private readonly crypto: CryptoProvider;
  private readonly state: StateReader;
  private readonly kept = new Map<string, SenderRecord>();

  constructor(crypto: CryptoProvider, state: StateReader) {
    this.crypto = crypto;
    this.state = state;
  }

  of(id: AccountId): SenderRecord | undefined {
    const text = keyText(id);
    const known = this.kept.get(text);
    if (known !== undefined) return known;
    const bytes = this.state.get(stateKey.account(id));
    if (bytes === undefined) return undefined;
    const account = decodeAccount(bytes);
    const record = {
      account,
      keyId: keyId(this.crypto, account.key),
      bytes,
      digest: this.crypto.hash('sha-256', bytes),
      quota: quotaOf(this.state, id),
    };
    if (this.kept.size >= MAX_KEPT) this.kept.clear();
    this.kept.set(text, record);
    return record;
  }

  /** The state has changed. */
  forget(): void {
    this.kept.clear();
  }
}
