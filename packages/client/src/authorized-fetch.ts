/**
 * A `fetch` that brings its token along. RFC 6750 §2.1, RFC 9449 §7.1 and §9.
 *
 * The token is sent only to the origins that it is allowed for: a redirect to another one is followed without it.
 */
import { isConfidential } from '@postern/protocol';
import type { Dpop } from './dpop.ts';
import { type Platform, untilAborted } from './platform.ts';
import { isBusy, pauseMs, readRetryAfter } from './retry.ts';
import type { IssuedToken } from './token-answer.ts';

export interface AuthorizedFetchOptions {
  readonly platform: Platform;
  readonly dpop: Dpop | undefined;
  /** Who may be sent the token; undefined: whom the caller names, by https or on this machine. */
  readonly origins: readonly string[] | undefined;
  /** Whether plain http to other machines is allowed. */
  readonly allowHttp: boolean;
  readonly getToken: () => Promise<IssuedToken>;
  /** Whether another token may help after this one was refused. */
  readonly replaceToken: (refused: IssuedToken) => boolean;
}

export type AuthorizedFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** A request that can be sent again, unless its body is a stream. */
interface Outgoing {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly init: RequestInit;
  readonly isRepeatable: boolean;
}

const mostRedirects = 5;

/** Sending these twice means the same as sending them once. RFC 9110 §9.2.2. */
const idempotent = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'];

export function createAuthorizedFetch(options: AuthorizedFetchOptions): AuthorizedFetch {
  return async (input, init) => {
    let request = await readRequest(input, init);
    if (!isAllowed(new URL(request.url), options)) {
      throw new TypeError(
        options.origins === undefined
          ? `${request.url} would receive the token unencrypted: use https, or name its origin in \`origins\`.`
          : `${request.url} is not at one of the origins that may be sent the token.`,
      );
    }
    for (let redirects = 0; ; redirects += 1) {
      const response = await sendPatiently(request, options);
      const location = response.headers.get('location');
      const redirect = request.init.redirect ?? 'follow';
      if (response.type === 'opaqueredirect' && redirect !== 'manual') {
        throw new TypeError(`${request.url} redirects, and this platform hides where to: call the new address itself.`);
      }
      if (![301, 302, 303, 307, 308].includes(response.status) || location === null || redirect === 'manual') {
        return response;
      }
      await response.body?.cancel();
      if (redirect === 'error' || redirects === mostRedirects) {
        throw new TypeError(`${request.url} redirects ${redirect === 'error' ? '' : 'again, '}to another address.`);
      }
      const target = new URL(location, request.url);
      const next = redirected(request, response.status, target);
      if (!isAllowed(target, { ...options, origins: options.origins ?? [new URL(request.url).origin] })) {
        return options.platform.fetch(next.url, { ...next.init, headers: withoutCredentials(next.headers) });
      }
      request = next;
    }
  };
}

/** Sends a request until its answer is one for the caller: with another token, or after a pause. */
async function sendPatiently(request: Outgoing, options: AuthorizedFetchOptions): Promise<Response> {
  const { platform, replaceToken } = options;
  const signal = request.init.signal ?? undefined;
  const mayRepeat = request.isRepeatable && idempotent.includes(request.method);
  let wasReplaced = false;
  let attempt = 0;
  for (;;) {
    const token = await untilAborted(options.getToken(), signal);
    let response: Response | undefined;
    try {
      response = await sendWith(token, request, options);
    } catch (error) {
      signal?.throwIfAborted();
      const pause = mayRepeat ? pauseMs(attempt, undefined, platform) : undefined;
      if (pause === undefined) {
        throw error;
      }
      await platform.sleep(pause, signal);
      attempt += 1;
      continue;
    }
    if (response.status === 401 && isTokenRefused(response)) {
      const mayHelp = replaceToken(token);
      if (!mayHelp || wasReplaced || !request.isRepeatable) {
        return response;
      }
      wasReplaced = true;
      await response.body?.cancel();
      continue;
    }
    // 429 is said before a request is dealt with; after a 503 it may have been, so only what may be repeated is.
    const isRetried = response.status === 429 ? request.isRepeatable : isBusy(response.status) && mayRepeat;
    const retryAfterSeconds = readRetryAfter(response.headers, platform.now());
    const pause = isRetried ? pauseMs(attempt, retryAfterSeconds, platform) : undefined;
    if (pause === undefined) {
      return response;
    }
    await response.body?.cancel();
    await platform.sleep(pause, signal);
    attempt += 1;
  }
}

/** One exchange with the API; a second one if it requires a nonce in the proof. RFC 9449 §9. */
async function sendWith(
  token: IssuedToken,
  request: Outgoing,
  { platform, dpop }: AuthorizedFetchOptions,
): Promise<Response> {
  const exchange = async () => {
    const headers = new Headers(request.headers);
    headers.set('authorization', `${token.tokenType} ${token.accessToken}`);
    const proof = await dpop?.prove(request.method, request.url, token.accessToken);
    if (proof !== undefined) {
      headers.set('dpop', proof.header);
    }
    const init = { ...request.init, headers: Object.fromEntries(headers), redirect: 'manual' } as const;
    const response = await platform.fetch(request.url, init);
    const hasNonce = proof !== undefined && dpop?.learnNonce(request.url, response.headers, proof) === true;
    return { response, wantsNonce: hasNonce && response.status === 401 && asksFor(response, 'use_dpop_nonce') };
  };
  const { response, wantsNonce } = await exchange();
  if (!wantsNonce || !request.isRepeatable) {
    return response;
  }
  await response.body?.cancel();
  return (await exchange()).response;
}

/** An API that gives no reason may mean the token; one that names another fault does not. RFC 6750 §3.1. */
function isTokenRefused(response: Response): boolean {
  return asksFor(response, 'invalid_token') || !/\berror=/.test(response.headers.get('www-authenticate') ?? '');
}

function asksFor(response: Response, error: string): boolean {
  return new RegExp(`\\berror="?${error}\\b`).test(response.headers.get('www-authenticate') ?? '');
}

async function readRequest(input: string | URL | Request, init: RequestInit = {}): Promise<Outgoing> {
  if (!(input instanceof Request)) {
    // A page may call its own server by path.
    const base = (globalThis as { location?: { href: string } }).location?.href;
    const method = (init.method ?? 'GET').toUpperCase();
    return {
      url: new URL(input, base).href,
      method,
      headers: new Headers(init.headers),
      init: { ...init, method },
      isRepeatable: !isStream(init.body),
    };
  }
  const { url, method, headers, signal, redirect, body } = new Request(input, init);
  return {
    url,
    method,
    headers,
    init: { ...init, method, signal, redirect, ...(body !== null && { body: await new Response(body).arrayBuffer() }) },
    isRepeatable: true,
  };
}

/** What is read once; Node takes iterables too. */
function isStream(body: RequestInit['body']): boolean {
  return typeof body === 'object' && (body instanceof ReadableStream || Symbol.asyncIterator in (body ?? {}));
}

/** The request that a redirect asks for, as browsers understand it. RFC 9110 §15.4. */
function redirected(request: Outgoing, status: number, target: URL): Outgoing {
  const isGetNow =
    status === 303
      ? !['GET', 'HEAD'].includes(request.method)
      : (status === 301 || status === 302) && request.method === 'POST';
  if (!isGetNow) {
    if (!request.isRepeatable) {
      throw new TypeError(`${request.url} redirects, and a body that is a stream cannot be sent again.`);
    }
    return { ...request, url: target.href };
  }
  const headers = new Headers(request.headers);
  for (const name of ['content-encoding', 'content-language', 'content-length', 'content-location', 'content-type']) {
    headers.delete(name);
  }
  const { body: _body, ...init } = request.init;
  return { url: target.href, method: 'GET', headers, init: { ...init, method: 'GET' }, isRepeatable: true };
}

function withoutCredentials(headers: Headers): Record<string, string> {
  const secret = ['authorization', 'cookie', 'dpop', 'proxy-authorization'];
  return Object.fromEntries([...headers].filter(([name]) => !secret.includes(name)));
}

function isAllowed(url: URL, { origins, allowHttp }: Pick<AuthorizedFetchOptions, 'origins' | 'allowHttp'>): boolean {
  return origins === undefined ? isConfidential(url.href, allowHttp) : origins.includes(url.origin);
}
