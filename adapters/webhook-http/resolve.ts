/** The one look-up of a delivery: all addresses of a host, judged before any is connected to. */
import { Resolver } from 'node:dns/promises';
import { isPublicAddress } from './address.ts';
import type { Target } from './url.ts';

export interface Pinned {
  readonly address: string;
  readonly family: 4 | 6;
}

/** All A and AAAA records of a host; rejects when there are none. */
export type Lookup = (host: string, signal: AbortSignal) => Promise<readonly Pinned[]>;

const PATIENCE = { timeout: 3_000, tries: 2 };

/**
 * Asks the machine's name servers directly. `getaddrinfo` would wait on one of the four threads that the files and the
 * store of this node need too: a few names whose servers do not answer would stop it.
 */
export const dnsLookup: Lookup = async (host, signal) => {
  const resolver = new Resolver(PATIENCE);
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const found = [
      ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 }) as const) : []),
      ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 }) as const) : []),
    ];
    if (found.length === 0) throw v4.status === 'rejected' ? v4.reason : new Error('no address');
    return found;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
};

/**
 * The address to connect to; 'address' when any of the host's is not public. One that is would not make up for it: a
 * name that mixes them is a trick, or a mistake that its owner should hear of.
 */
export async function pin(target: Target, lookup: Lookup, signal: AbortSignal): Promise<Pinned | 'address' | 'dns'> {
  const { host, isAddress, isLoopback } = target;
  if (isAddress) return { address: host, family: host.includes(':') ? 6 : 4 };
  if (isLoopback) return { address: '127.0.0.1', family: 4 };
  let found: readonly Pinned[];
  try {
    found = await lookup(host, signal);
  } catch {
    return 'dns';
  }
  const [first] = found;
  if (first === undefined) return 'dns';
  return found.every(({ address }) => isPublicAddress(address)) ? first : 'address';
}
