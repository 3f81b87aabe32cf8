/**
 * From which networks a client may authenticate, in CIDR notation: each in one canonical form, so that what is stored, compared
 * and shown is what was sent. RFC 4632 §3.1, RFC 4291 §2.3, RFC 5952 §4. Pure.
 */
import { isIP } from 'node:net';
import { OAuthError, showName } from '@postern/protocol';
import ipaddr from 'ipaddr.js';
import { withoutPort } from '../address-group.ts';

type Network = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

/** Throws `invalid_parameter` for what is not a network in its canonical form, and says how to write it if it is one. */
export function requireCanonicalNetworks(networks: readonly string[]): void {
  for (const [index, text] of networks.entries()) {
    const fault = findNetworkFault(text) ?? (networks.indexOf(text) < index ? 'is there twice' : undefined);
    if (fault !== undefined) {
      throw new OAuthError('invalid_parameter', `allowed_networks: ${showName(text)} ${fault}.`);
    }
  }
}

/** Completes a sentence that begins with the network. */
function findNetworkFault(text: string): string | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = address.includes('%') ? 0 : isIP(address);
  if (version === 0 || rest.length > 0 || !/^(?:0|[1-9]\d{0,2})$/.test(prefix ?? '0')) {
    return 'is not a network in CIDR notation, such as 203.0.113.0/24 or 2001:db8::/32';
  }
  const width = version === 4 ? 32 : 128;
  const bits = prefix === undefined ? width : Number(prefix);
  if (bits > width) {
    return `has a longer prefix than the ${width} bits of an IPv${version} address`;
  }
  const [whole, wholeBits] = asIPv4(ipaddr.parse(address), bits);
  const network = networkOf(whole, wholeBits);
  if (whole.toString() !== network.split('/')[0]) {
    return `has bits set after its prefix: write ${network} for the network, or ${whole}/${whole.kind() === 'ipv4' ? 32 : 128} for the one address`;
  }
  return text === network ? undefined : `must be written as ${network}`;
}

function networkOf(address: Network[0], bits: number): string {
  const cidr = `${address}/${bits}`;
  const first =
    address.kind() === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr);
  return `${first}/${bits}`;
}

/** An IPv4 address in IPv6 form is the IPv4 address. RFC 4291 §2.5.5.2. */
function asIPv4(address: Network[0], bits: number): Network {
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96
    ? [address.toIPv4Address(), bits - 96]
    : [address, bits];
}

/** Whether one of the networks contains all of another one. All are canonical. */
export function coverNetwork(networks: readonly string[], inner: string): boolean {
  const [address, bits] = ipaddr.parseCIDR(inner);
  return networks.some((outer) => ipaddr.parseCIDR(outer)[1] <= bits && contains(ipaddr.parseCIDR(outer), address));
}

/** The networks whose addresses are in both. All are canonical. */
export function commonNetworks(one: readonly string[], other: readonly string[]): string[] {
  const inside = (outer: readonly string[], networks: readonly string[]) =>
    networks.filter((network) => coverNetwork(outer, network));
  return [...new Set([...inside(other, one), ...inside(one, other)])];
}

function contains([network, bits]: Network, address: Network[0]): boolean {
  return network.kind() === address.kind() && address.match(network, bits);
}

const parsed = new WeakMap<readonly string[], readonly Network[]>();

/**
 * Whether the client may authenticate from the address, which must be the true one of the caller: what is no address, such as
 * what a proxy may forward, is in no network. A client without networks of its own may from anywhere.
 */
export function isAllowedFrom(
  { metadata: { allowedNetworks } }: { readonly metadata: { readonly allowedNetworks?: readonly string[] } },
  address: string,
): boolean {
  if (allowedNetworks === undefined) {
    return true;
  }
  const plain = withoutPort(address).split('%', 1)[0] as string;
  if (isIP(plain) === 0) {
    return false;
  }
  const networks = parsed.get(allowedNetworks) ?? allowedNetworks.map((network) => ipaddr.parseCIDR(network));
  parsed.set(allowedNetworks, networks);
  const caller = ipaddr.process(plain);
  return networks.some((network) => contains(network, caller));
}
