/** From credentials to a session. The secret is not kept; the token is kept in memory only. RFC 6749 §4.4. */
import { type AdminClient, AdminError, findManagementTokenRequest } from '@postern/admin';
import { clientSecretPost, createTokenClient } from '@postern/client';
import { serverRoot } from '../api/address.ts';
import { connect, fetchMetadata } from '../api/connection.ts';
import { readClaims, scopesOf } from './access-token.ts';

export interface Session {
  readonly admin: AdminClient;
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  may(scope: string): boolean;
}

/** Requests a token. Throws `TokenError`, `AdminError`, and `Error` if the page was loaded over plain HTTP from another machine. */
export async function acquireToken(clientId: string, clientSecret: string): Promise<string> {
  if (!window.isSecureContext) {
    throw new Error(
      'This page was loaded over plain HTTP, which others can read. Use https, or open it on the same machine.',
    );
  }
  const { issuer } = await fetchMetadata();
  const client = createTokenClient({
    issuer,
    // The page may call only this server, whatever its issuer is, and it was loaded over https or from this machine.
    allowHttp: true,
    tokenEndpoint: `${serverRoot}api/v1/oauth/token`,
    authentication: clientSecretPost(clientId, clientSecret),
  });
  const { request } = await findManagementTokenRequest(client.getToken);
  return (await client.getToken(request)).accessToken;
}

/** Throws `AdminError` if the text is not a token, or the server does not accept it. */
export async function openSession(token: string, onRejected: () => void): Promise<Session> {
  const claims = readClaims(token);
  if (claims === undefined) {
    throw new AdminError(
      'invalid_token',
      'This is not an access token: it does not have three parts separated by dots.',
    );
  }
  await requireAccepted(token);
  const scopes = new Set(scopesOf(claims));
  const { client_id, exp } = claims;
  return {
    admin: connect(token, onRejected),
    clientId: String(client_id),
    scopes,
    expiresAt: Number(exp) * 1000,
    may: (scope) => scopes.has(scope),
  };
}

/** Any guarded call shows whether the token is valid: if it is, only a scope can be missing. */
async function requireAccepted(token: string): Promise<void> {
  try {
    await connect(token, () => {}).scopes.list();
  } catch (error) {
    if (!(error instanceof AdminError && error.status === 403)) {
      throw error;
    }
  }
}
