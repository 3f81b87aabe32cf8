/** The session that the server keeps for this browser, in a cookie that no script can read. Calls of `/api/v1/session`. */
import { AdminError, createAdminClient, findManagementTokenRequest } from '@postern/admin';
import { serverRoot } from '../api/address.ts';

/** Who is signed in, as the server says it. */
export interface ServerSession {
  readonly id: string;
  readonly client_id: string;
}

/** The OpenID provider at which people sign in. */
export interface SignInProvider {
  readonly name: string;
  /** Where signing in begins. */
  readonly url: string;
}

interface SessionToken {
  readonly access_token: string;
  readonly scope: string;
  /** Seconds. */
  readonly expires_in: number;
}

export interface AcquiredToken {
  readonly accessToken: string;
  readonly scope: string;
  /** By `performance.now()`. */
  readonly validUntil: number;
}

const path = '/api/v1/session';

/** The header tells the server that one of its own pages sends the request. */
const server = createAdminClient({
  server: serverRoot,
  fetch: (url, init) =>
    fetch(url, {
      ...init,
      headers: { ...init.headers, 'postern-session': '1' },
      cache: 'no-store',
      credentials: 'same-origin',
      redirect: 'error',
    }),
});

/** Throws `AdminError`, as all of these do. */
export function readSession(): Promise<{
  readonly session: ServerSession | null;
  readonly provider: SignInProvider | null;
}> {
  return server.send({ method: 'GET', path });
}

/** Signs in. Throws `Error` if the page was loaded over plain HTTP from another machine. */
export async function startSession(
  credentials: { readonly client_id: string; readonly client_secret: string } | { readonly code: string },
): Promise<void> {
  requireSecurePage();
  await server.send({ method: 'POST', path, body: credentials });
}

/** Signs out: here, or in every browser. */
export async function endSession(where: 'here' | 'everywhere'): Promise<void> {
  await server.send({ method: 'DELETE', path: `${path}?where=${where}` });
}

/** Gets a token that proxies let pass. `used`: whether somebody has used the page since the last one. */
export async function acquireSessionToken(used: boolean): Promise<AcquiredToken> {
  const acquire = async (scope?: string): Promise<AcquiredToken> => {
    const body = { used, ...(scope !== undefined && { scope }) };
    const askedAt = performance.now();
    const token = await server.send<SessionToken>({ method: 'POST', path: `${path}/token`, body });
    return {
      accessToken: token.access_token,
      scope: token.scope,
      validUntil: askedAt + token.expires_in * 1000,
    };
  };
  let first: AcquiredToken | undefined;
  const { request } = await findManagementTokenRequest(async ({ scope }) => {
    first = await acquire(scope);
    return first;
  });
  return first === undefined || request.scope !== undefined ? acquire(request.scope) : first;
}

function requireSecurePage(): void {
  if (!window.isSecureContext) {
    throw new Error(
      'This page was loaded over plain HTTP, which others can read. Use https, or open it on the same machine.',
    );
  }
}

/** Whether the server says that there is no session, rather than nothing at all. */
export function hasEnded(error: unknown): boolean {
  return error instanceof AdminError && error.status === 401;
}
