/** Numbers in paths as C2SP tlog-tiles writes them: digits by threes, all but the last three with an `x`. */

/** 1234067 is `x001/x234/067`. @throws {RangeError} when `n` is no safe integer ≥ 0. */
export function tilePath(n: number): string {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`${n} is not the number of a tile`);
  const digits = String(n);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const parts = padded.match(/\d{3}/g)!;
  return parts.map((part, i) => (i < parts.length - 1 ? `x${part}` : part)).join('/');
}

/** The inverse of {@link tilePath}; undefined for every other text. */
export function tileNumber(path: string): number | undefined {
  if (!/^(x\d{3}\/)*\d{3}$/.test(path)) return undefined;
  const n = Number(path.replace(/[x/]/g, ''));
  return Number.isSafeInteger(n) && tilePath(n) === path ? n : undefined;
}

/** Where an unfinished tile of `width` entries is, given the path that it has when it is full. */
export function partialPath(path: string, width: number): string {
  return `${path}.p/${width}`;
}
