/**
 * Fetches JSON documents from URLs that others choose: client keys, issuers' metadata. Protects the network around
 * Postern against server-side request forgery (SSRF): https only, public addresses only, no redirects, limits on time
 * and size.
 */
import type { Agent } from 'node:https';
import { isOutboundHost, type OutboundHosts } from './outbound-hosts.ts';

export type GuardedFetch = (url: string) => Promise<Response>;

const timeoutMs = 5_000;

/** Bytes. */
const largestDocument = 262_144;

/**
 * Creates the fetch function. `allowedNetworks` are addresses and CIDRs that it may connect to although they are not
 * public, such as those of an issuer in the same cluster. `allowedHosts` are the only ones that it may fetch from. It
 * checks the address after name resolution, when it connects.
 * It rejects with a message for the log.
 */
export function createGuardedFetch(allowedNetworks: readonly string[], allowedHosts?: OutboundHosts): GuardedFetch {
  let agent: Agent | undefined;
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
    agent ??= new RequestFilteringHttpsAgent({ allowIPAddressList: [...allowedNetworks], keepAlive: false });
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(timeoutMs);
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
