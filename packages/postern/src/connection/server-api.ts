/** The management API over HTTP, as the signed-in client. */
import { type AdminClient, createAdminClient, type Operation, type Page, type Read } from '@postern/admin';
import { clientSecretBasic, createTokenClient, TokenError } from '@postern/client';
import { CommandError } from '../command/command-error.ts';
import { exitCodes } from '../command/exit-code.ts';
import { type Progress, startProgress } from '../output/progress.ts';
import type { Profile } from './profile.ts';
import { reach } from './reach.ts';
import { explainRefusal } from './refusal.ts';

export type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type Query = Readonly<Record<string, string | number | undefined>>;

export interface ServerApi {
  readonly server: string;
  readonly clientId: string;
  readonly admin: AdminClient;
  /** All items of a list. `label` says what is counted on the terminal meanwhile, such as "clients read". */
  all<Item>(list: Read<Page<Item>>, label: string): Promise<Item[]>;
  /** The scopes of the token that the calls carry. */
  scopes(): Promise<ReadonlySet<string>>;
  get<T>(path: string, query?: Query): Promise<T>;
  /** Undefined where there is no such thing. */
  find<T>(path: string): Promise<T | undefined>;
  send<T>(method: Method, path: string, body?: unknown): Promise<T>;
  /** All pages of a list. */
  listAll<T>(path: string, query?: Query, progress?: Progress): Promise<T[]>;
}

/** `clientId` with its secret at `server`. Nothing is sent before the first call. */
export function createServerApi({ server, clientId, clientSecret }: Profile): ServerApi {
  const tokens = createServerTokenClient({ server, clientId, clientSecret });
  const admin = createAdminClient({ server, fetch: (url, init) => withWords(server, () => tokens.fetch(url, init)) });
  const send = <T>(operation: Operation<T>) =>
    admin.send(operation).catch((error: unknown) => Promise.reject(explainRefusal(error)));

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
      const { scope } = await withWords(server, () => tokens.getToken());
      return new Set(scope.split(' ').filter((name) => name !== ''));
    },
    get: <T>(path: string, query: Query = {}) => send<T>({ method: 'GET', path, query }),
    find: <T>(path: string) =>
      admin.find<T>({ method: 'GET', path }).catch((error: unknown) => Promise.reject(explainRefusal(error))),
    send: <T>(method: Method, path: string, body?: unknown) => send<T>({ method, path, body }),
    listAll: <T>(path: string, query: Query = {}, progress?: Progress) =>
      admin
        .all<T>({ method: 'GET', path, query }, { onProgress: progress?.report })
        .finally(() => progress?.end())
        .catch((error: unknown) => Promise.reject(explainRefusal(error))),
  };
}

export interface TokenRequest {
  readonly scope?: string | undefined;
  readonly resource?: string | undefined;
}

/** Requests tokens at the address that was given, which may differ from the issuer of the server. */
export function createServerTokenClient({ server, clientId, clientSecret }: Profile, request: TokenRequest = {}) {
  return createTokenClient({
    issuer: server,
    tokenEndpoint: `${server}/api/v1/oauth/token`,
    authentication: clientSecretBasic(clientId, clientSecret),
    origins: [new URL(server).origin],
    ...(request.scope !== undefined && { scope: request.scope }),
    ...(request.resource !== undefined && { resource: request.resource }),
  });
}

/** Returns what `work` returns. Throws `CommandError` that explains rejected credentials and network faults. */
export async function withWords<T>(server: string, work: () => Promise<T>): Promise<T> {
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
      { exitCode: exitCodes.notAllowed, code },
    );
  }
  if (status === undefined || status === 429 || status >= 500) {
    const when = retryAfterSeconds === undefined ? 'later' : `in ${retryAfterSeconds} s`;
    return new CommandError(`${server} cannot issue tokens now: ${description} Try again ${when}.`, {
      exitCode: exitCodes.unreachable,
      code,
    });
  }
  return code === 'invalid_response'
    ? new CommandError(`${server} does not answer like Postern: ${description} Is it the right --server?`, { code })
    : new CommandError(`${server} issues no token: ${description}`, { code });
}
