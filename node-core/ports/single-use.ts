/** Remembers what has been used, so that it is used once. */
export interface SingleUse {
  /**
   * Marks `id` as used, atomically among all that share the memory.
   * @param untilMs when it may be forgotten, ms since 1970 UTC.
   * @returns `full` when no more can be remembered: then it must not be used.
   */
  use(id: Uint8Array, untilMs: number): Promise<'first' | 'again' | 'full'>;
}
