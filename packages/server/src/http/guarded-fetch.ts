/**
 * Sends requests to URLs that others choose: client keys, issuers' metadata, the endpoints of an identity provider. Protects the network around
 * Postern against server-side request forgery (SSRF): https only, public addresses only, no redirects, limits on time
 * and size. A proxy that HTTPS_PROXY names resolves the host again, so that it must itself refuse what is not public.
 */
import { lookup } from 'node:dns/promises';
import type { Agent } from 'node:http';
import { createAddressCheck } from '@postern/guard/node';
import ipaddr from 'ipaddr.js';
import { getProxyForUrl } from 'proxy-from-env';
import { isOutboundHost, type OutboundHosts } from './outbound-hosts.ts';

/** Fetches a JSON document. Rejects for any status but 200. */
export type GuardedFetch = (url: string) => Promise<Response>;

/** Sends a request, and resolves to the answer, whatever its status is. It follows no redirects. */
export type GuardedRequest = (url: string, request?: RequestParts) => Promise<Response>;

export interface RequestParts {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

const timeoutMs = 5_000;

/** Bytes. */
const largestDocument = 262_144;

export interface GuardedRequestOptions {
  /** Addresses and CIDRs that it may connect to although they are not public, such as those of an issuer in the same cluster. */
  readonly allowedNetworks: readonly string[];
  /** The only hosts that it may send requests to. Undefined: all. */
  readonly allowedHosts: OutboundHosts;
  /** Also http. Only for a host that the operator has named. Default: https alone. */
  readonly allowHttp?: boolean;
  /** The most bytes that an answer may have. Default: 256 KiB. */
  readonly mostBytes?: number | undefined;
}

/** An answer was larger than it may be; nothing of it was kept. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge';
}

/** The headers of an answer that anybody reads. */
const answeredHeaders = ['content-type', 'cache-control'] as const;

/** Creates the fetch function. Its errors have a message for the log. */
export function createGuardedFetch(
  allowedNetworks: readonly string[],
  allowedHosts?: OutboundHosts,
  mostBytes?: number,
): GuardedFetch {
  const request = createGuardedRequest({ allowedNetworks, allowedHosts, mostBytes });
  return async (url) => {
    const answer = await request(url);
    if (answer.status !== 200) {
      throw new Error(`status ${answer.status} from ${url}`);
    }
    return new Response(answer.body, { headers: { 'content-type': 'application/json' } });
  };
}

/**
 * Creates the function that sends requests. It checks the address after name resolution: when it connects, or before it asks a
 * proxy. It rejects with a message for the log.
 */
export function createGuardedRequest({
  allowedNetworks,
  allowedHosts,
  allowHttp = false,
  mostBytes = largestDocument,
}: GuardedRequestOptions): GuardedRequest {
  const isAllowed = createAddressCheck(allowedNetworks);
  const agents = new Map<string, Agent>();
  return async (url, { method = 'GET', headers, body } = {}) => {
    const protocol = URL.parse(url)?.protocol ?? '';
    if (protocol !== 'https:' && !(allowHttp && protocol === 'http:')) {
      throw new Error(`not an https URL: ${url}`);
    }
    if (!isOutboundHost(allowedHosts, url)) {
      throw new Error(`POSTERN_OUTBOUND_HOSTS does not name the host of ${url}`);
    }
    // Loaded when first needed, since most servers never fetch anything, and TLS takes megabytes of memory.
    const { request: send, Agent } = protocol === 'https:' ? await import('node:https') : await import('node:http');
    const { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } = await import('request-filtering-agent');
    const signal = AbortSignal.timeout(timeoutMs);
    const proxy = getProxyForUrl(url);
    let agent = agents.get(protocol);
    if (proxy !== '') {
      await untilAborted(requirePublicHost(url, isAllowed, allowedHosts !== undefined), signal);
      agent = new Agent({ proxyEnv: { HTTPS_PROXY: proxy, HTTP_PROXY: proxy }, keepAlive: false, timeout: timeoutMs });
    } else if (agent === undefined) {
      const Direct = protocol === 'https:' ? RequestFilteringHttpsAgent : RequestFilteringHttpAgent;
      agent = new Direct({ allowIPAddressList: [...allowedNetworks], keepAlive: false });
      agents.set(protocol, agent);
    }
    return new Promise((resolve, reject) => {
      const options = { method, agent, signal, headers: { accept: 'application/json', ...headers } };
      const request = send(url, options, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > mostBytes) {
            response.destroy(new AnswerTooLarge(`more than ${mostBytes} bytes at ${url}`));
          } else {
            chunks.push(chunk);
          }
        });
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status = 0, headers: answered } = response;
          // A status that `Response` does not know.
          if (status < 200 || status > 599) {
            reject(new Error(`status ${status} from ${url}`));
            return;
          }
          const isWithoutBody = [204, 205, 304].includes(status);
          const headers = answeredHeaders.flatMap((name): [string, string][] => {
            const value = answered[name];
            return value === undefined ? [] : [[name, value]];
          });
          resolve(new Response(isWithoutBody ? null : Buffer.concat(chunks), { status, headers }));
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  };
}

/** Rejects unless a request may be sent to the URL, as far as that can be known before it is sent. */
export type EndpointCheck = (url: string) => Promise<void>;

/**
 * Creates the check, for URLs that are stored and requested later. Its errors have a message for whoever named the URL, the same one for
 * all hosts that are not allowed, so that nobody learns from it which names and addresses there are around Postern; `cause` says more, for the log.
 */
export function createEndpointCheck({ allowedNetworks, allowedHosts }: GuardedRequestOptions): EndpointCheck {
  const isAllowed = createAddressCheck(allowedNetworks);
  return async (url) => {
    const { protocol = '', username, password, hash } = URL.parse(url) ?? {};
    if (protocol !== 'https:' || username !== '' || password !== '' || hash !== '') {
      throw new Error('it must be an https URL without credentials and fragment');
    }
    if (!isOutboundHost(allowedHosts, url)) {
      throw new Error('its host must be in POSTERN_OUTBOUND_HOSTS, which its operator sets');
    }
    await requirePublicHost(url, isAllowed, allowedHosts !== undefined).catch((cause: unknown) => {
      throw new Error('its host is not allowed: all of its addresses must be public; the log of the server says more', {
        cause,
      });
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
