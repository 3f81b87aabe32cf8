/** The management API over HTTP, as the signed-in client. */
import { type AdminClient, createAdminClient, findManagementTokenRequest, type Page, type Read } from '@postern/admin';
import { clientSecretBasic, createTokenClient, TokenError } from '@postern/client';
import { CommandError } from '../command/command-error.ts';
import { startProgress } from '../output/progress.ts';
import type { ClientProfile, PersonProfile, Profile } from './profile.ts';
import { reach } from './reach.ts';

export interface ServerConnection {
  readonly server: string;
  readonly clientId: string;
  readonly admin: AdminClient;
  /** Reads all items of a list. `label` says what is counted on the terminal meanwhile, such as "clients read". */
  all<Item>(list: Read<Page<Item>>, label: string): Promise<Item[]>;
  /** Returns the scopes that the client has. */
  scopes(): Promise<ReadonlySet<string>>;
}

/** Connects as `clientId`. Sends nothing before the first call. */
export function createServerConnection(profile: Profile): ServerConnection {
  const { server, clientId } = profile;
  const createTokens = (request?: TokenRequest) =>
    'sessionSecret' in profile ? createSessionTokens(profile, request) : createServerTokenClient(profile, request);
  const tokens = createTokens();
  let managementTokens: ReturnType<typeof createTokens> | undefined;
  const tokensToSend = async () => {
    const { request } = await findManagementTokenRequest(tokens.getToken);
    if (Object.keys(request).length === 0) {
      return tokens;
    }
    managementTokens ??= createTokens(request);
    return managementTokens;
  };
  const admin = createAdminClient({
    server,
    fetch: (url, init) => explainFaults(server, async () => (await tokensToSend()).fetch(url, init)),
  });
  return {
    server,
    clientId,
    admin,
    async all(list, label) {
      const progress = startProgress(label);
      try {
        return await admin.all(list, { onProgress: progress.report });
      } finally {
        progress.end();
      }
    },
    async scopes() {
      return (await explainFaults(server, () => findManagementTokenRequest(tokens.getToken))).scopes;
    },
  };
}

/** The tokens of the session of a person. */
function createSessionTokens({ server, sessionSecret }: PersonProfile, { scope }: TokenRequest = {}) {
  let current: { readonly accessToken: string; readonly scope: string; readonly validUntil: number } | undefined;
  const getToken = async () => {
    if (current !== undefined && current.validUntil > performance.now()) {
      return current;
    }
    const response = await fetch(`${server}/api/v1/session/token`, {
      method: 'POST',
      headers: { authorization: `Bearer ${sessionSecret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...(scope !== undefined && { scope }) }),
      redirect: 'error',
    });
    if (response.status === 401) {
      throw new CommandError(`your session at ${server} has ended. Sign in again: postern login`, {
        exit: 'notAllowed',
        code: 'invalid_token',
      });
    }
    const answer = (await response.json()) as {
      access_token?: string;
      scope?: string;
      expires_in?: number;
      detail?: string;
    };
    if (answer.access_token === undefined) {
      throw new CommandError(`${server} issues no token: ${answer.detail ?? `status ${response.status}`}`);
    }
    const { access_token: accessToken, scope: scopes = '', expires_in = 0 } = answer;
    current = { accessToken, scope: scopes, validUntil: performance.now() + (expires_in - 20) * 1000 };
    return current;
  };
  return {
    getToken,
    async fetch(url: string, init: RequestInit): Promise<Response> {
      const { accessToken } = await getToken();
      return fetch(url, { ...init, headers: { ...(init.headers as object), authorization: `Bearer ${accessToken}` } });
    },
  };
}

export interface TokenRequest {
  readonly scope?: string | undefined;
  readonly resource?: string | undefined;
}

/** Requests tokens at the address that was given, which may differ from the issuer of the server. */
export function createServerTokenClient({ server, clientId, clientSecret }: ClientProfile, request: TokenRequest = {}) {
  return createTokenClient({
    issuer: server,
    tokenEndpoint: `${server}/api/v1/oauth/token`,
    authentication: clientSecretBasic(clientId, clientSecret),
    origins: [new URL(server).origin],
    // `parseServerUrl` has decided that.
    allowHttp: true,
    ...(request.scope !== undefined && { scope: request.scope }),
    ...(request.resource !== undefined && { resource: request.resource }),
  });
}

/** Returns what `work` returns. Throws `CommandError` that explains rejected credentials and network faults. */
export async function explainFaults<T>(server: string, work: () => Promise<T>): Promise<T> {
  return reach(server, async () => {
    try {
      return await work();
    } catch (error) {
      throw error instanceof TokenError ? explainTokenError(server, error) : error;
    }
  });
}

/** Network faults are left to `reach`. */
function explainTokenError(
  server: string,
  { code, status, description, cause, retryAfterSeconds }: TokenError,
): unknown {
  if (status === undefined && cause !== undefined) {
    return cause;
  }
  if (code === 'invalid_client') {
    return new CommandError(
      `${server} rejects these credentials, or the client is disabled. Sign in again: postern login`,
      { exit: 'notAllowed', code },
    );
  }
  if (status === undefined || status === 429 || status >= 500) {
    const when = retryAfterSeconds === undefined ? 'later' : `in ${retryAfterSeconds} s`;
    return new CommandError(`${server} cannot issue tokens now: ${description} Try again ${when}.`, {
      exit: 'unreachable',
      code,
    });
  }
  return code === 'invalid_response'
    ? new CommandError(`${server} does not answer like Postern: ${description} Is it the right --server?`, { code })
    : new CommandError(`${server} issues no token: ${description}`, { code });
}
