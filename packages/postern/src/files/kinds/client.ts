/** Clients in files. */
import type { Client, Page } from '@postern/server/admin-contract';
import { path } from '../../connection/path.ts';
import type { ServerApi } from '../../connection/server-api.ts';
import { startProgress } from '../../output/progress.ts';
import type { FileKind, JsonObject } from './file-kind.ts';
import { changedMembers, simpleKind } from './simple-kind.ts';

const url = '/api/v1/oauth/client';

const defaults: JsonObject = {
  scopes: [],
  enabled: true,
  resources: [],
  authorization_details_types: [],
  token_endpoint_audience_allowed: false,
  dpop_bound_access_tokens: false,
  tls_client_certificate_bound_access_tokens: false,
};

export const clientKind: FileKind = {
  ...simpleKind({
    section: 'clients',
    noun: 'client',
    idMember: 'client_id',
    deleted: 'before',
    url,
    defaults,
    sets: ['scopes', 'grantable_scopes', 'grant_types', 'resources', 'authorization_details_types'],
  }),
  read: readClients,
  save: (wanted, actual, changes) => [
    [
      {
        operation:
          actual === undefined
            ? { method: 'POST', path: url, body: wanted }
            : { method: 'PATCH', path: urlOf(String(wanted['client_id'])), body: changedMembers(changes, defaults) },
        path: [],
      },
    ],
  ],
  isProtected: (id, ownClientId) => id === ownClientId,
  getsSecret: ({ token_endpoint_auth_method: method = null }) =>
    method === null || String(method).startsWith('client_secret'),
};

function urlOf(id: string): string {
  return path`/api/v1/oauth/client/${id}`;
}

/** There may be a million: if the list has more pages than there are ids, each client is read by its id. */
async function readClients(api: ServerApi, ids: readonly string[] | undefined): Promise<Client[]> {
  const progress = startProgress('clients read');
  const { pages } = await api.get<Page<Client>>(url, { size: 100 });
  if (ids === undefined || pages <= ids.length) {
    return api.listAll<Client>(url, {}, progress);
  }
  const found: Client[] = [];
  for (const [index, id] of ids.entries()) {
    const client = await api.find<Client>(urlOf(id));
    found.push(...(client === undefined ? [] : [client]));
    progress.report(index + 1, ids.length);
  }
  progress.end();
  return found;
}
