/** Tables: each range that must not be reached, at its edges, and addresses beside it that may. */
import { describe, expect, it } from 'vitest';
import { isLoopbackAddress, isPublicAddress } from './address.ts';

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  'this network (RFC 791)': ['0.0.0.0', '0.255.255.255'],
  'private (RFC 1918)': [
    '10.0.0.0',
    '10.255.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.0.0',
    '192.168.255.255',
  ],
  'shared, CGNAT (RFC 6598)': ['100.64.0.0', '100.127.255.255', '100.100.100.200'],
  loopback: ['127.0.0.1', '127.0.0.0', '127.255.255.255', '::1'],
  'link-local and metadata': [
    '169.254.0.0',
    '169.254.169.254',
    '169.254.170.2',
    '169.254.255.255',
    'fe80::',
    'febf::1',
  ],
  'metadata elsewhere': ['168.63.129.16', 'fd00:ec2::254', '192.0.0.192'],
  'reserved, test and benchmark': [
    ...['192.0.0.0', '192.0.2.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1', '240.0.0.1'],
    ...['2001:db8::1', '3fff::1', '3fff:fff::1', '2001:2::1', '5f00::1'],
  ],
  'multicast and broadcast': ['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1', 'ff0e::1'],
  'IPv4 within IPv6': [
    ...['::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '::ffff:7f00:1', '::127.0.0.1', '::8.8.8.8'],
    ...['64:ff9b::7f00:1', '64:ff9b::808:808', '64:ff9b:1::1', '2002:7f00:1::', '2002:808:808::1', '::ffff:0:8.8.8.8'],
    ...['2001::1', '2001:0:53aa:64c:0:fbff:f7f7:f7f7'],
  ],
  'unique and site local': ['fc00::1', 'fdff:ffff::1', 'fec0::1', 'feff::1'],
  'unspecified and unassigned': ['::', '::2', '100::1', '1::1', '4000::1', '8000::1', 'fe00::1'],
  'with a zone': ['fe80::1%eth0', '2606:4700::1%lo'],
  'no address in its numeric form': [
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.4:80',
    '[2606:4700::1]',
    '999.1.1.1',
  ],
};

const PUBLIC = [
  ...[
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
  ],
  ...[
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
  ],
  ...['198.20.0.0', '223.255.255.255', '168.63.129.15', '2606:4700:4700::1111', '2001:4860:4860::8888', '2003::1'],
];

describe('addresses that a delivery may connect to', () => {
  it.each(Object.entries(REFUSED))('refused: %s', (_, addresses) => {
    for (const address of addresses) expect(isPublicAddress(address), address).toBe(false);
  });

  it.each(PUBLIC)('%s is public', (address) => expect(isPublicAddress(address)).toBe(true));

  it('knows its own machine', () => {
    for (const address of ['127.0.0.1', '127.8.8.8', '::1']) expect(isLoopbackAddress(address)).toBe(true);
    for (const address of ['128.0.0.1', '::2', '::ffff:127.0.0.1', 'localhost', '']) {
      expect(isLoopbackAddress(address), address).toBe(false);
    }
  });
});
