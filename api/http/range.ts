/** Range requests (RFC 9110 §14): one range of bytes. Several at once are answered with the whole, as §14.2 allows. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/**
 * The part of `size` bytes that the field asks for: undefined when it asks for none in a form that is known here,
 * 'unsatisfiable' when there is nothing in it.
 */
export function spanOf(field: string | undefined, size: number): Span | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(field ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { offset: size - length, length };
  }
  const offset = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < offset) return undefined;
  return offset >= size ? 'unsatisfiable' : { offset, length: end - offset + 1 };
}
