/**
 * A client of one authorization server: gets its tokens, keeps them, and calls APIs with them. RFC 6749 §4.4, RFC 8693,
 * RFC 8707 §2, RFC 9396 §2.
 */
import { accessTokenType, clientCredentialsGrant, tokenExchangeGrant } from '@postern/protocol';
import { type AuthorizedFetch, createAuthorizedFetch } from './authorized-fetch.ts';
import type { ClientAuthentication } from './client-authentication.ts';
import { createDiscovery } from './discovery.ts';
import { createDpop } from './dpop.ts';
import { type Fetch, type Platform, sleep, untilAborted } from './platform.ts';
import type { KeyPair } from './signing-key.ts';
import type { IssuedToken } from './token-answer.ts';
import { createTokenCache } from './token-cache.ts';
import { requestToken, type TokenForm } from './token-request.ts';

export interface TokenClientOptions {
  /** The server's issuer identifier, exactly as its metadata say it. By https, or http to this machine. */
  readonly issuer: string;
  readonly authentication: ClientAuthentication;
  /** Space-separated. Default: what the server gives without being asked. */
  readonly scope?: string | undefined;
  /** The API that the tokens are for. Default: the server's choice. */
  readonly resource?: string | undefined;
  /** Rights finer than scopes, as their types describe them. */
  readonly authorizationDetails?: readonly object[] | undefined;
  /** True: tokens are bound to a generated key that cannot leave the process. Or the key pair to use. Default: false. */
  readonly dpop?: boolean | KeyPair | undefined;
  /**
   * True: plain http may be used to other machines too, for networks that encrypt every connection themselves, such as a service
   * mesh. Anywhere else it exposes credentials and tokens. Default: false.
   */
  readonly allowHttp?: boolean | undefined;
  /** Where `fetch` may send the token, such as `https://api.example.com`. Default: where you call, by https or on this machine. */
  readonly origins?: readonly string[] | undefined;
  /** Default: found in the server's metadata. */
  readonly tokenEndpoint?: string | undefined;
  /** Sends all requests. Default: the global `fetch`. */
  readonly fetch?: Fetch | undefined;
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: (() => number) | undefined;
  /** From 0 to less than 1. Default: `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Default: a timer. */
  readonly sleep?: Platform['sleep'] | undefined;
}

export interface GetTokenOptions {
  /** Default: the client's. */
  readonly scope?: string | undefined;
  /** Default: the client's. */
  readonly resource?: string | undefined;
  /** Stops waiting; the request continues for others who wait for the same token. */
  readonly signal?: AbortSignal | undefined;
}

export interface ExchangeOptions {
  readonly subjectToken: string;
  /** Default: an access token. */
  readonly subjectTokenType?: string | undefined;
  /** Default: the server's choice, an access token. With the type of an ID-JAG the `tokenType` of the answer is `N_A`. */
  readonly requestedTokenType?: string | undefined;
  readonly actorToken?: string | undefined;
  /** Default: an access token. */
  readonly actorTokenType?: string | undefined;
  readonly scope?: string | undefined;
  readonly resource?: string | undefined;
  readonly audience?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TokenClient {
  /** Returns a token that is valid for at least some seconds more, from memory if possible. Throws `TokenError`. */
  getToken(options?: GetTokenOptions): Promise<IssuedToken>;
  /** Exchanges an active token for another one, or for an ID-JAG, which is not cached. RFC 8693. Throws `TokenError`. */
  exchangeToken(options: ExchangeOptions): Promise<IssuedToken>;
  /** `fetch` with the token. Throws `TokenError` if no token can be obtained; error answers of the API are returned like any other. */
  readonly fetch: AuthorizedFetch;
}

/** Sends no request yet. Throws `TypeError` for an issuer that must not be sent credentials. */
export function createTokenClient(options: TokenClientOptions): TokenClient {
  const { issuer, authentication, authorizationDetails, dpop: binding = false, allowHttp = false } = options;
  const platform: Platform = {
    fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
    now: options.now ?? Date.now,
    // A clock of the caller's own measures everything.
    monotonic: options.now ?? (() => performance.now()),
    random: options.random ?? Math.random,
    sleep: options.sleep ?? sleep,
  };
  const dpop = binding === false ? undefined : createDpop(binding === true ? undefined : binding, platform.now);
  const { tokenEndpoint } = options;
  const { usesCertificate } = authentication;
  const discovery = createDiscovery(issuer, { tokenEndpoint, usesCertificate, allowHttp }, platform);
  const context = { issuer, authentication, discovery, dpop, platform };
  const cache = createTokenCache(platform);

  const formFor = ({ scope = options.scope, resource = options.resource }: GetTokenOptions): TokenForm => ({
    grant_type: authentication.grantType,
    scope,
    resource,
    authorization_details: authorizationDetails && JSON.stringify(authorizationDetails),
  });
  const keyOf = ({ scope, resource }: TokenForm) => JSON.stringify([scope, resource]);

  const getToken = (wanted: GetTokenOptions = {}) => {
    const form = formFor(wanted);
    return untilAborted(
      cache.get(keyOf(form), () => requestToken(context, form)),
      wanted.signal,
    );
  };

  return {
    getToken,
    async exchangeToken({ subjectToken, actorToken, scope, resource, audience, signal, ...types }) {
      if (authentication.grantType !== clientCredentialsGrant) {
        throw new TypeError('Token exchange requires a client that authenticates, which a workload token does not do.');
      }
      const form = {
        grant_type: tokenExchangeGrant,
        subject_token: subjectToken,
        subject_token_type: types.subjectTokenType ?? accessTokenType,
        requested_token_type: types.requestedTokenType,
        actor_token: actorToken,
        actor_token_type: actorToken === undefined ? undefined : (types.actorTokenType ?? accessTokenType),
        scope,
        resource,
        audience,
      };
      return requestToken(context, form, signal);
    },
    fetch: createAuthorizedFetch({
      platform,
      dpop,
      origins: options.origins,
      allowHttp,
      getToken: () => getToken(),
      replaceToken: (refused) => cache.replace(keyOf(formFor({})), refused),
    }),
  };
}
