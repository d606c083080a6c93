import { createHash } from 'node:crypto';

/** The digest of a number's text: values that no order helps. */
export function sha256Hex(i: number): string {
  return createHash('sha256').update(String(i)).digest('hex');
}
