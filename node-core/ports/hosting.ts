/**
 * expected: an upload has been asked for. stored: its content is what was said, and it is kept. refused: what was uploaded
 * is something else; it stays in quarantine until it is deleted there.
 */
export type HostedState = 'expected' | 'stored' | 'refused';

/** What a partner says of a file before it uploads it. */
export interface FileWanted {
  /** 32 bytes. */
  readonly sha256: Uint8Array;
  readonly sizeBytes: number;
  readonly mediaType: string;
}

export interface HostedFile extends FileWanted {
  readonly id: string;
  /** Account ID in text form. */
  readonly account: string;
  readonly state: HostedState;
  /** Where anybody finds it once it is registered; the digest of this text goes on chain. */
  readonly address: string;
  readonly askedMs: number;
  /** null until it is stored. */
  readonly storedMs: number | null;
  /** Until when the lock keeps it; null until it is stored. */
  readonly retainedUntilMs: number | null;
}

/** A form that a browser or a client posts, with the file as its last field, `file`. */
export interface UploadForm {
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly expiresMs: number;
}

export interface HostingUsage {
  /** Stored now. */
  readonly files: number;
  readonly bytes: number;
  /** Downloads that were begun, by month (`2026-11`, UTC), the newest first. */
  readonly served: readonly { readonly month: string; readonly files: number; readonly bytes: number }[];
}

/** Files of partners, kept as they were registered. */
export interface Hosting {
  /** The same file of the same account is one file, under one address. A form comes with what is not stored yet. */
  ask(account: string, wanted: FileWanted): Promise<{ readonly file: HostedFile; readonly form: UploadForm | null }>;
  find(id: string): Promise<HostedFile | undefined>;
  /** Where a stored file can be read for some minutes. Counts as served, once for each `request`. */
  link(file: HostedFile, request: string): Promise<string>;
  usage(account: string): Promise<HostingUsage>;
}
