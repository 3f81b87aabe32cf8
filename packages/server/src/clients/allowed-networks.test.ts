/** The networks from which a client may authenticate: the pure rules. `test/allowed-networks.test.ts` tests each place. */
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, test } from 'vitest';
import { coverNetwork, isAllowedFrom, requireCanonicalNetworks } from './allowed-networks.ts';

const isAllowed = (allowedNetworks: string[] | undefined, address: string) =>
  isAllowedFrom({ metadata: allowedNetworks === undefined ? {} : { allowedNetworks } }, address);

const ipv4 = fc.tuple(fc.nat(0xffff_ffff), fc.nat(32)).map(([bits, prefix]) =>
  ipaddr.IPv4.networkAddressFromCIDR(`${new ipaddr.IPv4([24, 16, 8, 0].map((by) => (bits >>> by) & 255))}/${prefix}`)
    .toString()
    .concat(`/${prefix}`),
);
const ipv6 = fc
  .tuple(fc.ipV6(), fc.nat(128))
  .map(([address, prefix]) => `${ipaddr.IPv6.networkAddressFromCIDR(`${address}/${prefix}`)}/${prefix}`)
  .filter((network) => !network.startsWith('::ffff:'));
const network = fc.oneof(ipv4, ipv6);

describe('an address', () => {
  test.each([
    ['10.1.2.3', true],
    ['11.1.2.3', false],
    ['::ffff:10.1.2.3', true],
    ['::ffff:a01:203', true],
    ['10.1.2.3:4711', true],
    ['2001:db8::1', true],
    ['[2001:DB8::1]:4711', true],
    ['2001:db9::1', false],
    ['fe80::1%eth0', true],
    ['invalid', false],
    ['', false],
    ['10.1.2.3, 11.1.2.3', false],
    ['0x0a.1.2.3', false],
    ['010.1.2.3', false],
    ['10.1.2', false],
  ])('%s is in the networks: %s', (address, is) => {
    expect(isAllowed(['10.0.0.0/8', '2001:db8::/32', 'fe80::/10'], address)).toBe(is);
  });

  test('of IPv4 is in no network of IPv6, however it is written', () => {
    for (const address of ['192.0.2.1', '::ffff:192.0.2.1']) {
      expect([isAllowed(['::/0'], address), isAllowed(['0.0.0.0/0'], address)]).toEqual([false, true]);
    }
  });

  test('may be any, even none, for a client without networks', () => {
    expect([isAllowed(undefined, '192.0.2.1'), isAllowed(undefined, 'invalid')]).toEqual([true, true]);
  });
});

describe('a network', () => {
  test.each([
    ['10.0.0.0/8'],
    ['0.0.0.0/0'],
    ['::/0'],
    ['203.0.113.7/32'],
    ['2001:db8::/32'],
    ['2001:db8::1/128'],
    ['64:ff9b::/96'],
  ])('%s is canonical', (text) => {
    expect(() => requireCanonicalNetworks([text])).not.toThrow();
  });

  test.each([
    ['10.0.0.5/24', /bits set after its prefix: write 10\.0\.0\.0\/24 for the network, or 10\.0\.0\.5\/32 for/],
    ['2001:db8::1/64', /write 2001:db8::\/64 for the network, or 2001:db8::1\/128 for/],
    ['::ffff:10.0.0.5/120', /write 10\.0\.0\.0\/24 for the network, or 10\.0\.0\.5\/32 for/],
    ['10.0.0.5', /must be written as 10\.0\.0\.5\/32\./],
    ['2001:DB8:0::/32', /must be written as 2001:db8::\/32\./],
    ['::ffff:10.0.0.0/104', /must be written as 10\.0\.0\.0\/8\./],
    ['::ffff:0:0/96', /must be written as 0\.0\.0\.0\/0\./],
    ['10.0.0.0/33', /has a longer prefix than the 32 bits of an IPv4 address/],
    ['2001:db8::/129', /has a longer prefix than the 128 bits of an IPv6 address/],
    ...[
      '',
      '/',
      '10.0.0.0/',
      '10.0.0.0/08',
      '10.0.0.0/-1',
      '10.0.0.0/8/8',
      '10.0.0/8',
      '010.0.0.0/8',
      '10.0.0.0/255.0.0.0',
      'fe80::1%eth0/64',
      'example.com/8',
      ' 10.0.0.0/8',
      '10.0.0.0/8,11.0.0.0/8',
    ].map((text): [string, RegExp] => [text, /is not a network in CIDR notation, such as 203\.0\.113\.0\/24 or/]),
  ])('%s is refused, with what to write', (text, reason) => {
    expect(() => requireCanonicalNetworks(['192.0.2.0/24', text])).toThrow(reason);
  });

  test('is refused if it is there twice', () => {
    expect(() => requireCanonicalNetworks(['10.0.0.0/8', '11.0.0.0/8', '10.0.0.0/8'])).toThrow(/is there twice/);
  });

  test('of any bits has a canonical form, and only that one is accepted', () => {
    fc.assert(
      fc.property(network, (text) => {
        expect(() => requireCanonicalNetworks([text])).not.toThrow();
      }),
    );
  });

  test('covers another one if and only if every address of that one is in it', () => {
    fc.assert(
      fc.property(network, network, (outer, inner) => {
        const [first, bits] = ipaddr.parseCIDR(inner);
        const last =
          first.kind() === 'ipv4'
            ? ipaddr.IPv4.broadcastAddressFromCIDR(inner)
            : ipaddr.IPv6.broadcastAddressFromCIDR(inner);
        const covers = coverNetwork([outer], inner);
        expect(covers).toBe(isAllowed([outer], first.toString()) && isAllowed([outer], last.toString()));
        expect(coverNetwork([inner], inner)).toBe(true);
        expect(bits).toBeGreaterThanOrEqual(covers ? ipaddr.parseCIDR(outer)[1] : 0);
      }),
      {
        numRuns: 500,
        examples: [
          ['10.0.0.0/8', '10.1.0.0/16'],
          ['10.1.0.0/16', '10.0.0.0/8'],
          ['::/0', '2001:db8::/32'],
        ],
      },
    );
  });
});
