/** Which addresses count as one caller. RFC 4291 §2.2 for the text of IPv6 addresses, RFC 6052 §2.1 for IPv4 in them. */
import { isIPv4, isIPv6 } from 'node:net';

/** Characters that are kept of a text that is no address. */
const longest = 64;

/**
 * Returns the address itself for IPv4, and the /64 network for IPv6, since a customer gets at least that and may use
 * every address in it. `address` may come from a header: a port, which some proxies add, is removed, and a text that is
 * no address counts as itself.
 */
export function addressGroup(address: string): string {
  const plain = withoutPort(address);
  if (isIPv4(plain)) {
    return plain;
  }
  return isIPv6(plain) ? networkOf(plain) : address.slice(0, longest);
}

/** Some proxies add a port. */
export function withoutPort(address: string): string {
  return (
    /^\[(?<v6>[^\]]+)\](?::\d+)?$/.exec(address)?.groups?.['v6'] ??
    /^(?<v4>[\d.]+):\d+$/.exec(address)?.groups?.['v4'] ??
    address
  );
}

/** An IPv4 address in IPv6 form, or one that NAT64 translates, counts as IPv4, since all of them share one /64. */
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

/** Counts how many of the eight parts a text has; an IPv4 address at its end counts as two. */
function lengthOf(text: string): number {
  const parts = text.split(':').filter((part) => part !== '');
  return parts.length + (text.includes('.') ? 1 : 0);
}
