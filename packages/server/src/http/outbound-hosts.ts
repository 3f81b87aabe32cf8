/** The hosts that Postern may fetch from: those that POSTERN_OUTBOUND_HOSTS names, if it is set. */
import { OAuthError } from '@postern/protocol';

/** Host names, and `*.` with a name for all below it. Undefined: every host. */
export type OutboundHosts = readonly string[] | undefined;

/** Whether documents may be fetched from the host of the URL. Does not check its address. */
export function isOutboundHost(hosts: OutboundHosts, url: string): boolean {
  const hostname = URL.parse(url)?.hostname ?? '';
  return hosts === undefined || hosts.some((pattern) => matchesHost(hostname, pattern));
}

/** Throws `invalid_parameter`, which names the member of the request, unless its URL may be fetched. */
export function requireOutboundHost(hosts: OutboundHosts, member: string, url: string): void {
  if (!isOutboundHost(hosts, url)) {
    throw new OAuthError(
      'invalid_parameter',
      `${member}: Postern does not fetch keys from this host, until its operator adds it to POSTERN_OUTBOUND_HOSTS.`,
    );
  }
}

/** `hostname` is that of a URL, so it is in lower case, and an IPv6 address in brackets. */
function matchesHost(hostname: string, pattern: string): boolean {
  const name = hostname.replace(/^\[|\]$|\.$/g, '');
  return pattern.startsWith('*.')
    ? name.endsWith(pattern.slice(1)) && name.length > pattern.length - 1
    : name === pattern;
}
