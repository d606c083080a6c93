/** A part of a file: `length` bytes from `offset` on. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * The chain as plain files, as docs/spec/files.md lays them out: the same paths in a folder, behind a node's HTTP
 * server, in a bucket. Whoever reads them verifies them; nothing here is believed.
 *
 * - Paths are relative, `/` between their parts, of the characters `[a-z0-9._-]`; others are a bug of the caller.
 * - `read` resolves with undefined when there is no such file, and with fewer bytes than asked for at the end of one.
 * - It rejects with StoreError 'io' when the place cannot be reached or answers something else than a file.
 * - A file without a range may be as long as the caller allows: beyond `maxBytes` (default 64 MiB) it rejects.
 */
export interface ChainFiles {
  read(
    path: string,
    options?: { readonly range?: ByteRange; readonly maxBytes?: number },
  ): Promise<Uint8Array | undefined>;
}

/** What a node publishes: files whose length is known before they are read. */
export interface PublishedFiles extends ChainFiles {
  /** undefined when there is no such file. */
  size(path: string): Promise<number | undefined>;
}
