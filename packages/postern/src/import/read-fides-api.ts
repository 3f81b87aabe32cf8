/** Reads clients from the HTTP API of Fides or Fidesops. Older versions do not list them, and only tell the scopes of one id. */
import { CommandError, usageError } from '../command/command-error.ts';
import { readFidesClient } from './fides.ts';
import { type ApiAnswer, callApi, mostPages, pageSize } from './read-json-api.ts';
import type { SourceClient } from './source-client.ts';

export interface FidesApi {
  /** Base URL, without a slash at the end. */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Returns all clients, or those in `only` if this version lists none. Throws `CommandError`. */
export async function readFromFidesApi(api: FidesApi, only: readonly string[]): Promise<SourceClient[]> {
  const token = await getToken(api);
  const get = (url: string) => callApi(api.url, url, { headers: { authorization: `Bearer ${token}` } });
  return (await list(api, get)) ?? (await readEach(get, only));
}

type Get = (url: string) => Promise<ApiAnswer>;

async function getToken(api: FidesApi): Promise<string> {
  const { status, body } = await callApi(api.url, '/api/v1/oauth/token', {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: api.clientId,
      client_secret: api.clientSecret,
    }),
  });
  const token = (body as { access_token?: unknown } | undefined)?.access_token;
  if (status !== 200 || typeof token !== 'string') {
    throw new CommandError(
      `${api.url} issued no token (status ${status}). Are --api-client-id and its secret those of Fides?`,
      { exit: 'notAllowed' },
    );
  }
  return token;
}

/** Undefined if this version does not list clients. */
async function list(api: FidesApi, get: Get): Promise<SourceClient[] | undefined> {
  const clients: SourceClient[] = [];
  for (let page = 1; page <= mostPages; page += 1) {
    const { status, body } = await get(`/api/v1/oauth/client?page=${page}&size=${pageSize}`);
    if (status === 404 || status === 405) {
      return undefined;
    }
    const items = Array.isArray(body) ? body : (body as { items?: unknown } | undefined)?.items;
    if (status !== 200 || !Array.isArray(items)) {
      throw listError(api, status);
    }
    clients.push(...items.flatMap((item) => readFidesClient(item) ?? []));
    const { pages = 1 } = body as { pages?: number };
    if (Array.isArray(body) || page >= pages) {
      break;
    }
  }
  return clients;
}

async function readEach(get: Get, ids: readonly string[]): Promise<SourceClient[]> {
  if (ids.length === 0) {
    throw usageError(
      'this version of Fides does not list clients. Name them by --only ID, or read its database by --database-url.',
    );
  }
  const clients: (SourceClient | undefined)[] = [];
  for (const id of ids) {
    const { status, body } = await get(`/api/v1/oauth/client/${encodeURIComponent(id)}/scope`);
    if (status !== 200 || !Array.isArray(body)) {
      throw new CommandError(`Fides did not answer with the scopes of the client ${id} (status ${status}).`);
    }
    clients.push(readFidesClient({ id, scopes: body }));
  }
  return clients.filter((client) => client !== undefined);
}

function listError({ url }: FidesApi, status: number): CommandError {
  return status === 401 || status === 403
    ? new CommandError(`${url} does not let this client list clients. Assign it client:read there.`, {
        exit: 'notAllowed',
      })
    : new CommandError(`${url} does not answer as Fides does (status ${status}). Is it the right --api?`);
}
