import { describe, expect, it } from 'vitest';
import { targetOf } from './url.ts';

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['', /not an absolute URL/],
  ['/hook', /not an absolute URL/],
  ['https://', /not an absolute URL/],
  ['http://example.com/hook', /not an https URL/],
  ['ftp://example.com/', /not an https URL/],
  ['file:///etc/passwd', /not an https URL/],
  ['javascript:alert(1)', /not an https URL/],
  ['https://user@example.com/', /user name or password/],
  ['https://user:secret@example.com/', /user name or password/],
  ['https://:secret@example.com/', /user name or password/],
  ['https://example.com@127.0.0.1/', /user name or password/],
  ['https://example.com/#part', /fragment/],
  [`https://example.com/${'a'.repeat(2_048)}`, /longer than 2048/],
  ['https://localhost/', /the node itself/],
  ['https://LOCALHOST./', /the node itself/],
  ['https://a.localhost/', /the node itself/],
  ['https://127.0.0.1/', /the node itself/],
  ['https://[::1]/', /the node itself/],
  // One address, as the URL standard reads it.
  ...[
    '127.1',
    '0x7f.1',
    '0x7f000001',
    '2130706433',
    '017700000001',
    '127.0.0.1.',
    '%31%32%37.0.0.1',
    '１２７.0.0.1',
  ].map((host) => [`https://${host}/`, /the node itself/] as const),
  ...['10.0.0.1', '0xa9fea9fe', '169.254.169.254', '[::ffff:10.0.0.1]', '[fd00::1]', '0', '[::]'].map(
    (host) => [`https://${host}/`, /not one of the public Internet/] as const,
  ),
];

describe('webhook URLs', () => {
  it.each(REFUSED)('%s is refused', (url, why) => {
    const target = targetOf(url, false);
    expect(target).toMatch(why);
    // Neither a password nor a path belongs into an answer or a log.
    expect(target).not.toMatch(/secret|hook/);
  });

  it.each([
    'https://example.com/',
    'https://example.com:8443/a?b=c',
    'https://1.1.1.1/',
    'https://[2606:4700::1111]/x',
  ])('%s may be tried', (url) => expect(targetOf(url, false)).toMatchObject({ isLoopback: false }));

  it('a devnet lets its own machine in, by http too, and nothing else more', () => {
    for (const url of ['http://127.0.0.1:8080/', 'http://localhost/', 'http://[::1]:1/', 'https://127.0.0.1/'])
      expect(targetOf(url, true), url).toMatchObject({ isLoopback: true });
    for (const url of ['http://10.0.0.1/', 'https://10.0.0.1/', 'http://example.com/', 'http://[::ffff:127.0.0.1]/'])
      expect(targetOf(url, true), url).toEqual(expect.any(String));
  });
});
