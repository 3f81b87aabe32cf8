/** From credentials to a session. The secret is forgotten at once; the token lives in memory alone. RFC 6749 §4.4. */
import { clientSecretPost, createTokenClient } from '@postern/client';
import { serverRoot } from '../api/address.ts';
import { type Api, ApiError, createApi } from '../api/api.ts';
import { fetchMetadata } from '../api/metadata.ts';
import { readClaims, scopesOf } from './access-token.ts';

export interface Session {
  readonly api: Api;
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  may(scope: string): boolean;
}

/** A token for a client's id and secret. Throws `TokenError`; `Error` on a page that came by plain HTTP from afar. */
export async function acquireToken(clientId: string, clientSecret: string): Promise<string> {
  if (!window.isSecureContext) {
    throw new Error('This page came by plain HTTP, which others can read: use https, or open it on the same machine.');
  }
  const { issuer } = await fetchMetadata();
  const client = createTokenClient({
    issuer,
    // The page may call this server alone, whatever name of it is the issuer.
    tokenEndpoint: `${serverRoot}api/v1/oauth/token`,
    authentication: clientSecretPost(clientId, clientSecret),
  });
  return (await client.getToken()).accessToken;
}

/** Throws `ApiError` where the text is no token, or none that the server accepts from here. */
export async function openSession(token: string, onRefused: () => void): Promise<Session> {
  const claims = readClaims(token);
  if (claims === undefined) {
    throw new ApiError(0, 'invalid_token', 'This is not an access token: three parts with dots between are expected.');
  }
  await requireAccepted(token);
  const scopes = new Set(scopesOf(claims));
  const { client_id, exp } = claims;
  return {
    api: createApi(token, onRefused),
    clientId: String(client_id),
    scopes,
    expiresAt: Number(exp) * 1000,
    may: (scope) => scopes.has(scope),
  };
}

/** Any guarded call tells whether the token is good: with one that is, the worst answer is that a scope lacks. */
async function requireAccepted(token: string): Promise<void> {
  try {
    await createApi(token, () => {}).get('oauth/scope');
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 403)) {
      throw error;
    }
  }
}
