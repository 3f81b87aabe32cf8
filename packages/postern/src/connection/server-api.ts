/** The management APIs over HTTP, as the signed-in client: one call, or a whole list page by page. */
import { clientSecretBasic, createTokenClient, TokenError } from '@postern/client';
import type { Page } from '@postern/server/admin-contract';
import { CommandError } from '../command/command-error.ts';
import { exitCodes } from '../command/exit-code.ts';
import type { Progress } from '../output/progress.ts';
import type { Profile } from './profile.ts';
import { reach } from './reach.ts';
import { refusalError } from './refusal.ts';

export type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type Query = Readonly<Record<string, string | number | undefined>>;

export interface ServerApi {
  readonly server: string;
  readonly clientId: string;
  /** The scopes of the token that the calls carry. */
  scopes(): Promise<ReadonlySet<string>>;
  get<T>(path: string, query?: Query): Promise<T>;
  /** Undefined where there is no such thing. */
  find<T>(path: string): Promise<T | undefined>;
  /** Given up after `timeoutMs`, by default 45 s. */
  send<T>(method: Method, path: string, body?: unknown, timeoutMs?: number): Promise<T>;
  /** An OAuth call for which the client authenticates itself, such as introspection. */
  ask<T>(path: string, form: Readonly<Record<string, string>>): Promise<T>;
  /** All pages of a list. */
  listAll<T>(path: string, query?: Query, progress?: Progress): Promise<T[]>;
}

/** Milliseconds until a call is given up; the longest wait that the server offers is 30 s. */
const usualTimeoutMs = 45_000;

/** As many as the lists of the server have on a page. */
const pageSize = 100;

/** `clientId` with its secret at `server`. Nothing is sent before the first call. */
export function createServerApi({ server, clientId, clientSecret }: Profile): ServerApi {
  const tokens = createServerTokenClient({ server, clientId, clientSecret });

  const call = async (
    method: string,
    path: string,
    query: Query = {},
    body?: unknown,
    timeoutMs = usualTimeoutMs,
  ): Promise<Response> => {
    const search = new URLSearchParams(
      Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
    );
    return withWords(server, () =>
      tokens.fetch(`${server}${path}${search.size > 0 ? `?${search}` : ''}`, {
        method,
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
        headers: { accept: 'application/json', ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    );
  };

  const api: ServerApi = {
    server,
    clientId,
    async scopes() {
      const { scope } = await withWords(server, () => tokens.getToken());
      return new Set(scope.split(' ').filter((name) => name !== ''));
    },
    get: async (path, query) => readAnswer(await call('GET', path, query)),
    async find(path) {
      const response = await call('GET', path);
      if (response.status === 404) {
        await response.body?.cancel();
        return undefined;
      }
      return readAnswer(response);
    },
    send: async (method, path, body, timeoutMs) => readAnswer(await call(method, path, {}, body, timeoutMs)),
    ask: async (path, form) =>
      readAnswer(
        await reach(server, async () => {
          const { headers } = await clientSecretBasic(clientId, clientSecret).authenticate(server, Date.now() / 1000);
          return fetch(server + path, {
            method: 'POST',
            redirect: 'manual',
            signal: AbortSignal.timeout(usualTimeoutMs),
            headers: { ...headers },
            body: new URLSearchParams(form),
          });
        }),
      ),
    async listAll<T>(path: string, query: Query = {}, progress?: Progress) {
      const items: T[] = [];
      for (let page = 1; ; page += 1) {
        const answer = await api.get<Page<T>>(path, { ...query, page, size: pageSize });
        items.push(...answer.items);
        progress?.report(items.length, answer.total);
        if (page >= answer.pages) {
          progress?.end();
          return items;
        }
      }
    },
  };
  return api;
}

export interface TokenRequest {
  readonly scope?: string | undefined;
  readonly resource?: string | undefined;
}

/** Gets tokens at the server as it was named, which may be another address than its issuer's. */
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

/** `work`, with refused credentials and network faults in words. */
export async function withWords<T>(server: string, work: () => Promise<T>): Promise<T> {
  return reach(server, async () => {
    try {
      return await work();
    } catch (error) {
      throw error instanceof TokenError ? explainTokenError(server, error) : error;
    }
  });
}

/** What `reach` takes for a network fault is left to it. */
function explainTokenError(
  server: string,
  { code, status, description, cause, retryAfterSeconds }: TokenError,
): unknown {
  if (status === undefined && cause !== undefined) {
    return cause;
  }
  if (code === 'invalid_client') {
    return new CommandError(
      `${server} does not know these credentials, or the client is disabled. Sign in again: postern login`,
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
    ? new CommandError(`${server} does not answer as Postern does: ${description} Is it the right --server?`, { code })
    : new CommandError(`${server} gives no token: ${description}`, { code });
}

async function readAnswer<T>(response: Response): Promise<T> {
  const text = await response.text();
  if (!response.ok) {
    throw refusalError(response, text);
  }
  try {
    return (text === '' ? undefined : JSON.parse(text)) as T;
  } catch {
    throw new CommandError(`${response.url} does not answer as Postern does. Is it the right --server?`);
  }
}
