/** Which addresses a delivery may connect to: those of the public Internet, and no other. */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Public by the registries, and yet a host's own door: the metadata and DNS service of Azure. Those of other clouds are
 * link-local (169.254.169.254), unique local (fd00:ec2::254), shared (100.100.100.200) or reserved (192.0.0.192).
 */
const METADATA: ReadonlySet<string> = new Set(['168.63.129.16']);

/** All that IANA has given out for global unicast; what is outside is special or nobody's. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an address in its numeric form is public. IPv4 within IPv6 (mapped, NAT64, 6to4, Teredo) never is, whatever
 * it holds: it would be a second spelling of an address, by which some translator on the way might reach inward.
 */
export function isPublicAddress(text: string): boolean {
  // ipaddr.js reads 1.2.3 and the like too, and zones.
  if (isIP(text) === 0 || text.includes('%')) return false;
  const address = ipaddr.parse(text);
  // The default of ipaddr.js: in none of the special ranges.
  if (address.range() !== 'unicast') return false;
  if (address instanceof ipaddr.IPv4) return !METADATA.has(address.toString());
  return (address as ipaddr.IPv6).match(GLOBAL_UNICAST);
}

export function isLoopbackAddress(text: string): boolean {
  return isIP(text) !== 0 && ipaddr.parse(text).range() === 'loopback';
}
