/** Headers of the PROXY protocol, whole, in pieces and malformed. HAProxy's specification of it, §2.1 and §2.2. */
import { expect, test } from 'vitest';
import { parseProxyHeader } from './proxy-header.ts';

const text = (line: string) => Buffer.from(`${line}\r\n`, 'latin1');
const signature = '0d0a0d0a000d0a515549540a';
const v2 = (rest: string, more = '') =>
  Buffer.from(signature + rest.replaceAll(' ', '') + more.replaceAll(' ', ''), 'hex');

const v4Peer = { address: '192.0.2.7', port: 56_324, family: 'IPv4' };
const v6Peer = { address: '2001:db8::7', port: 56_324, family: 'IPv6' };
const v4Addresses = 'c0000207 c6336401 dc04 01bb';
const v6Addresses = '20010db8000000000000000000000007 20010db8000000000000000000000001 dc04 01bb';

const headers: [name: string, header: Buffer, peer: object | undefined][] = [
  ['v1 TCP4', text('PROXY TCP4 192.0.2.7 198.51.100.1 56324 443'), v4Peer],
  ['v1 TCP6', text('PROXY TCP6 2001:DB8:0::7 2001:db8::1 56324 443'), v6Peer],
  ['v1 UNKNOWN', text('PROXY UNKNOWN'), undefined],
  ['v1 UNKNOWN with addresses', text('PROXY UNKNOWN ffff::1 ffff::2 65535 65535'), undefined],
  ['v2 IPv4', v2('21 11 000c', v4Addresses), v4Peer],
  ['v2 IPv6', v2('21 21 0024', v6Addresses), v6Peer],
  ['v2 IPv4 with more after the addresses', v2('21 11 0013', `${v4Addresses} 03 0004 a9b8c7d6`), v4Peer],
  ['v2 LOCAL', v2('20 00 0000'), undefined],
  ['v2 LOCAL with addresses', v2('20 11 000c', v4Addresses), undefined],
  ['v2 of an unspecified family', v2('21 00 0000'), undefined],
  ['v2 of a Unix socket', v2('21 31 00d8', '00'.repeat(216)), undefined],
  ['the longest v1', text('PROXY UNKNOWN'.padEnd(105, ' x')), undefined],
  ['the longest v2', v2('21 11 0208', v4Addresses + '00'.repeat(508)), v4Peer],
];

test.each(headers)('%s is read, and not a byte more', (_name, header, peer) => {
  expect(parseProxyHeader(header)).toEqual({ length: header.length, peer });
  expect(parseProxyHeader(Buffer.concat([header, Buffer.from('GET / HTTP/1.1\r\n')]))).toEqual({
    length: header.length,
    peer,
  });
});

test.each(headers)('%s may arrive byte by byte', (_name, header) => {
  for (let length = 0; length < header.length; length += 1) {
    expect([length, parseProxyHeader(header.subarray(0, length))]).toEqual([length, undefined]);
  }
});

test.each<[name: string, header: Buffer]>([
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
  ['TLS', Buffer.from('16030100', 'hex')],
  ['small letters', text('proxy TCP4 192.0.2.7 198.51.100.1 56324 443')],
  ['another protocol', text('PROXY UDP4 192.0.2.7 198.51.100.1 56324 443')],
  ['a family that does not fit', text('PROXY TCP4 2001:db8::7 2001:db8::1 56324 443')],
  ['an invalid address', text('PROXY TCP4 192.0.2.700 198.51.100.1 56324 443')],
  ['an invalid destination', text('PROXY TCP4 192.0.2.7 example.com 56324 443')],
  ['a zone', text('PROXY TCP6 fe80::7%eth0 2001:db8::1 56324 443')],
  ['an invalid port', text('PROXY TCP4 192.0.2.7 198.51.100.1 65536 443')],
  ['a missing port', text('PROXY TCP4 192.0.2.7 198.51.100.1 56324')],
  ['two spaces', text('PROXY TCP4  192.0.2.7 198.51.100.1 56324 443')],
  ['a line feed alone', Buffer.from(`PROXY UNKNOWN\n${'x'.repeat(100)}`)],
  ['v1 without an end', Buffer.from('PROXY UNKNOWN'.padEnd(107, ' x'))],
  ['v2 of version 3', v2('31 11 000c', v4Addresses)],
  ['v2 of an unknown command', v2('22 11 000c', v4Addresses)],
  ['v2 of datagrams', v2('21 12 000c', v4Addresses)],
  ['v2 of an unknown family', v2('21 41 000c', v4Addresses)],
  ['v2 without room for the addresses', v2('21 11 0004', '00000000')],
  ['v2 that would be too long, before it arrives', v2('21 11 ffff')],
])('%s is malformed', (_name, header) => {
  expect(parseProxyHeader(header)).toBe('malformed');
});
