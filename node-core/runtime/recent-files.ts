/** Files that were computed lately, since a large one is asked for part by part. */

/** Largest sum of their lengths; one file alone may be longer. */
const KEPT_BYTES = 32 << 20;

export class RecentFiles {
  /** The one used last at the end. */
  private readonly files = new Map<string, Uint8Array>();
  private keptBytes = 0;

  async get(path: string, compute: () => Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    const known = this.files.get(path);
    if (known !== undefined) {
      this.files.delete(path);
      this.files.set(path, known);
      return known;
    }
    const made = await compute();
    if (made === undefined || this.files.has(path)) return made;
    this.files.set(path, made);
    this.keptBytes += made.length;
    for (const [oldest, bytes] of this.files) {
      if (this.keptBytes <= KEPT_BYTES || oldest === path) break;
      this.files.delete(oldest);
      this.keptBytes -= bytes.length;
    }
    return made;
  }
}
