/** What of a webhook URL can be judged without asking anybody. */
import { isIP } from 'node:net';
import { isLoopbackAddress, isPublicAddress } from './address.ts';

export const MAX_URL_LENGTH = 2_048;

export interface Target {
  readonly url: URL;
  /** The host without the brackets of an IPv6 address. */
  readonly host: string;
  /** Whether `host` is an address itself. */
  readonly isAddress: boolean;
  /** A machine's own: let in only where that has been configured. */
  readonly isLoopback: boolean;
}

/**
 * @param loopback whether http and https to this machine itself are let through, for a devnet.
 * @returns why the URL is refused, in words for its owner; they repeat nothing of it.
 */
export function targetOf(text: string, loopback: boolean): Target | string {
  if (text.length > MAX_URL_LENGTH) return `longer than ${MAX_URL_LENGTH} characters`;
  const url = URL.parse(text);
  if (url === null) return 'not an absolute URL';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'not an https URL';
  if (url.username !== '' || url.password !== '') return 'it holds a user name or password';
  if (url.hash !== '') return 'it has a fragment';
  // The URL parser has brought every spelling of an IPv4 address (0x7f.1, 2130706433, 017700000001) to four numbers.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isAddress = isIP(host) !== 0;
  const isLoopback = isAddress ? isLoopbackAddress(host) : /(^|\.)localhost\.?$/.test(host);
  if (isLoopback) return loopback ? { url, host, isAddress, isLoopback } : 'it leads to the node itself';
  if (url.protocol !== 'https:') return 'not an https URL';
  if (isAddress && !isPublicAddress(host)) return 'its address is not one of the public Internet';
  return { url, host, isAddress, isLoopback };
}
