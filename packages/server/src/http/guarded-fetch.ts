/**
 * Fetches JSON documents from addresses that others name: client keys, issuers' metadata. Guarded against being
 * turned on the network that Postern stands in (SSRF): https only, public addresses only, no redirects, limits on
 * time and size.
 */
import type { Agent } from 'node:https';

export type GuardedFetch = (url: string) => Promise<Response>;

const timeoutMs = 5_000;

/** Bytes of a document. */
const largestDocument = 262_144;

/**
 * Makes the fetch. `allowedNetworks` are addresses and CIDRs that may be reached though they are not public, such as
 * those of an issuer in the same cluster. The address is checked after name resolution, on the connection itself.
 * The promise rejects with a message for the log.
 */
export function createGuardedFetch(allowedNetworks: readonly string[]): GuardedFetch {
  let agent: Agent | undefined;
  return async (url) => {
    if (URL.parse(url)?.protocol !== 'https:') {
      throw new Error(`not an https URL: ${url}`);
    }
    // Loaded when first needed: most servers never fetch anything, and TLS takes megabytes.
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
