/** What counts as one caller by its address. RFC 4291 §2.2 for the text of IPv6 addresses, RFC 6052 §2.1 for IPv4 in them. */
import { isIPv4, isIPv6 } from 'node:net';

/** Longest text that is kept of what is no address. */
const longest = 64;

/**
 * The address itself for IPv4, and the /64 for IPv6: that much is handed to one customer, who may use each address in
 * it. `address` may have come by a header, so a port is cut off (some proxies add one, a new one each connection) and
 * what is no address at all counts as itself.
 */
export function addressGroup(address: string): string {
  const plain = withoutPort(address);
  if (isIPv4(plain)) {
    return plain;
  }
  return isIPv6(plain) ? networkOf(plain) : address.slice(0, longest);
}

function withoutPort(address: string): string {
  return (
    /^\[(?<v6>[^\]]+)\](?::\d+)?$/.exec(address)?.groups?.['v6'] ??
    /^(?<v4>[\d.]+):\d+$/.exec(address)?.groups?.['v4'] ??
    address
  );
}

/** An IPv4 address in IPv6 form counts as what it is: all of them share a /64, also those that NAT64 translates. */
function networkOf(address: string): string {
  const canonical = URL.parse(`http://[${address}]`)?.hostname ?? '';
  const mapped = /^\[(?:::ffff|64:ff9b:):(?<high>[\da-f]+):(?<low>[\da-f]+)\]$/.exec(canonical)?.groups;
  if (mapped !== undefined) {
    const halves = [mapped['high'], mapped['low']].map((text) => Number.parseInt(text ?? '', 16));
    return halves.flatMap((half) => [half >> 8, half & 255]).join('.');
  }
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const first = head.split(':').filter((part) => part !== '');
  const missing = tail === undefined ? 0 : 8 - first.length - lengthOf(tail);
  const parts = [...first, ...Array<string>(missing).fill('0'), ...(tail?.split(':') ?? [])];
  const network = parts.slice(0, 4).map((part) => Number.parseInt(part || '0', 16).toString(16));
  return `${network.join(':')}::/64`;
}

/** How many of the eight parts a text has; an IPv4 address at its end has two. */
function lengthOf(text: string): number {
  const parts = text.split(':').filter((part) => part !== '');
  return parts.length + (text.includes('.') ? 1 : 0);
}
