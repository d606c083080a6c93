/** A management call that an account has made. No secrets: neither tokens nor what was sent. */
export interface AuditEntry {
  /** Ascending with the entries of an account. */
  readonly number: number;
  readonly timeMs: number;
  /** `brop1…` */
  readonly account: string;
  /** Names the access token, and is not the token; empty for what the node did itself. */
  readonly tokenId: string;
  /** Such as `login` or `subscription.create`. */
  readonly action: string;
  /** What it was about, such as the ID of a subscription. */
  readonly target: string | null;
  /** `done`, the name of the code of the refusal, or why a subscription was disabled. */
  readonly outcome: string;
}

/** Who has managed what on this node. */
export interface AuditLog {
  /** Never throws: that something cannot be written is for the log of the node. */
  append(entry: Omit<AuditEntry, 'number'>): void;
  /** The newest entries of an account that are kept and have a lower number than `before`, newest first. */
  of(account: string, before: number, limit: number): Promise<readonly AuditEntry[]>;
}
