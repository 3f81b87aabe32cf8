/** Parses headers of the PROXY protocol, versions 1 and 2. HAProxy's specification of it, §2.1 and §2.2. */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/** Whose connection a proxy passes on. */
export interface AnnouncedPeer {
  readonly address: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
}

export interface ProxyHeader {
  /** Bytes of the header. What follows is the connection itself. */
  readonly length: number;
  /** Undefined if the connection is the proxy's own, such as a health check, or the proxy does not say whose it is. */
  readonly peer: AnnouncedPeer | undefined;
}

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const start = Buffer.from('PROXY ');

/** The longest header of version 1, and of version 2 with what proxies add to the addresses. */
const longestText = 107;
const longestBinary = 536;

/**
 * Returns the header with which the bytes begin, `undefined` if more bytes must arrive, or `malformed`. Does not check
 * what a header of version 2 has in addition to the addresses.
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | 'malformed' | undefined {
  const beginsWith = (text: Buffer) => bytes.subarray(0, text.length).equals(text.subarray(0, bytes.length));
  if (beginsWith(start)) {
    return parseText(bytes.subarray(0, longestText).toString('latin1'));
  }
  return beginsWith(signature) ? parseBinary(bytes) : 'malformed';
}

const textHeader = /^PROXY (?:UNKNOWN(?: .*)?|(TCP[46]) ([\da-fA-F.:]+) ([\da-fA-F.:]+) (\d{1,5}) (\d{1,5}))$/;

function parseText(text: string): ProxyHeader | 'malformed' | undefined {
  const end = text.indexOf('\r\n');
  if (end === -1) {
    return text.length < longestText ? undefined : 'malformed';
  }
  const [match, protocol, source, destination, ...ports] = textHeader.exec(text.slice(0, end)) ?? [];
  const length = end + 2;
  if (match === undefined || protocol === undefined) {
    return match === undefined ? 'malformed' : { length, peer: undefined };
  }
  const isAddress = protocol === 'TCP4' ? isIPv4 : isIPv6;
  const [port = 0, destinationPort = 0] = ports.map(Number);
  if (![source, destination].every((address) => isAddress(address ?? '')) || Math.max(port, destinationPort) > 65_535) {
    return 'malformed';
  }
  return { length, peer: announced(source as string, port, protocol === 'TCP4' ? 'IPv4' : 'IPv6') };
}

const versionTwo = 0x2;
const commands = { local: 0x0, proxy: 0x1 };
const unspecified = 0x00;
const unixStream = 0x31;
const families = new Map([
  [0x11, { family: 'IPv4', size: 4 }],
  [0x21, { family: 'IPv6', size: 16 }],
] as const);

function parseBinary(bytes: Buffer): ProxyHeader | 'malformed' | undefined {
  if (bytes.length < 16) {
    return undefined;
  }
  const [version, command] = [bytes.readUInt8(12) >> 4, bytes.readUInt8(12) & 0xf];
  const protocol = bytes.readUInt8(13);
  const length = 16 + bytes.readUInt16BE(14);
  if (version !== versionTwo || command > commands.proxy || length > longestBinary) {
    return 'malformed';
  }
  if (bytes.length < length) {
    return undefined;
  }
  if (command === commands.local || protocol === unspecified || protocol === unixStream) {
    return { length, peer: undefined };
  }
  const { family, size } = families.get(protocol as 0x11) ?? {};
  if (family === undefined || size === undefined || length < 16 + 2 * size + 4) {
    return 'malformed';
  }
  const octets = bytes.subarray(16, 16 + size);
  const address = family === 'IPv4' ? octets.join('.') : octets.toString('hex').replaceAll(/(.{4})(?=.)/g, '$1:');
  return { length, peer: announced(address, bytes.readUInt16BE(16 + 2 * size), family) };
}

/** In the one form that the system has for the address. */
function announced(address: string, port: number, family: 'IPv4' | 'IPv6'): AnnouncedPeer {
  return { address: new SocketAddress({ address, family: family === 'IPv4' ? 'ipv4' : 'ipv6' }).address, port, family };
}
