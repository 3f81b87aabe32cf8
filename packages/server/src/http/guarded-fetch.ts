/**
 * Fetches JSON documents from URLs that others choose: client keys, issuers' metadata. Protects the network around
 * Postern against server-side request forgery (SSRF): https only, public addresses only, no redirects, limits on time
 * and size. A proxy that HTTPS_PROXY names resolves the host again, so that it must itself refuse what is not public.
 */
import { lookup } from 'node:dns/promises';
import type { Agent } from 'node:https';
import { createAddressCheck } from '@postern/guard/node';
import ipaddr from 'ipaddr.js';
import { getProxyForUrl } from 'proxy-from-env';
import { isOutboundHost, type OutboundHosts } from './outbound-hosts.ts';

export type GuardedFetch = (url: string) => Promise<Response>;

const timeoutMs = 5_000;

/** Bytes. */
const largestDocument = 262_144;

/**
 * Creates the fetch function. `allowedNetworks` are addresses and CIDRs that it may connect to although they are not
 * public, such as those of an issuer in the same cluster. `allowedHosts` are the only ones that it may fetch from. It
 * checks the address after name resolution: when it connects, or before it asks a proxy.
 * It rejects with a message for the log.
 */
export function createGuardedFetch(allowedNetworks: readonly string[], allowedHosts?: OutboundHosts): GuardedFetch {
  const isAllowed = createAddressCheck(allowedNetworks);
  let direct: Agent | undefined;
  return async (url) => {
    if (URL.parse(url)?.protocol !== 'https:') {
      throw new Error(`not an https URL: ${url}`);
    }
    if (!isOutboundHost(allowedHosts, url)) {
      throw new Error(`POSTERN_OUTBOUND_HOSTS does not name the host of ${url}`);
    }
    // Loaded when first needed, since most servers never fetch anything, and TLS takes megabytes of memory.
    const https = await import('node:https');
    const { RequestFilteringHttpsAgent } = await import('request-filtering-agent');
    const signal = AbortSignal.timeout(timeoutMs);
    const proxy = getProxyForUrl(url);
    let agent: Agent;
    if (proxy === '') {
      direct ??= new RequestFilteringHttpsAgent({ allowIPAddressList: [...allowedNetworks], keepAlive: false });
      agent = direct;
    } else {
      await untilAborted(requirePublicHost(url, isAllowed, allowedHosts !== undefined), signal);
      agent = new https.Agent({ proxyEnv: { HTTPS_PROXY: proxy }, keepAlive: false, timeout: timeoutMs });
    }
    return new Promise((resolve, reject) => {
      const request = https.get(url, { agent, signal, headers: { accept: 'application/json' } }, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > largestDocument) {
            response.destroy(new Error(`more than ${largestDocument} bytes at ${url}`));
          } else {
            chunks.push(chunk);
          }
        });
        response.on('error', reject);
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status === 200) {
            resolve(new Response(Buffer.concat(chunks), { headers: { 'content-type': 'application/json' } }));
          } else {
            reject(new Error(`status ${status} from ${url}`));
          }
        });
      });
      request.on('error', reject);
    });
  };
}

/**
 * Throws unless all addresses of the host are public or allowed. A host that only the proxy can resolve passes if the operator
 * has named it.
 */
async function requirePublicHost(
  url: string,
  isAllowed: (address: string) => boolean,
  isNamed: boolean,
): Promise<void> {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const addresses = await lookup(host, { all: true }).catch(() => {
    if (isNamed) {
      return [];
    }
    throw new Error(
      `the address of ${host} cannot be checked, since this machine cannot resolve it; to fetch from it through the proxy, ` +
        'name it in POSTERN_OUTBOUND_HOSTS',
    );
  });
  const inner = addresses.find(({ address }) => ipaddr.parse(address).range() !== 'unicast' && !isAllowed(address));
  if (inner !== undefined) {
    throw new Error(`${host} is ${inner.address}, which is not allowed, since it is not public`);
  }
}

function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
