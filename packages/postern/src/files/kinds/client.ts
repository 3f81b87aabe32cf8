/** Clients in files. */
import { type Client, type ClientBody, type NewClientBody, operations } from '@postern/admin';
import { maxPageSize } from '@postern/protocol/api-limits';
import type { ServerConnection } from '../../connection/server-connection.ts';
import { startProgress } from '../../output/progress.ts';
import { type FileKind, type JsonObject, type MemberChange, nameWithId } from './file-kind.ts';
import { changedMembers, simpleKind } from './simple-kind.ts';

const defaults: JsonObject = {
  scopes: [],
  enabled: true,
  resources: [],
  authorization_details_types: [],
  token_endpoint_audience_allowed: false,
  client_id_metadata_document: false,
  spiffe_jwt_reuse_allowed: false,
  dpop_bound_access_tokens: false,
  tls_client_certificate_bound_access_tokens: false,
};

export const clientKind: FileKind = {
  ...simpleKind({
    section: 'clients',
    noun: 'client',
    idMember: 'client_id',
    deleted: 'before',
    operations: { ...operations.clients, save: operations.clients.create },
    defaults,
    sets: ['scopes', 'grantable_scopes', 'grant_types', 'resources', 'authorization_details_types', 'allowed_networks'],
    normalize,
  }),
  read: readClients,
  save: (wanted, actual, changes) => [
    [
      {
        operation:
          actual === undefined
            ? operations.clients.create(wanted as NewClientBody)
            : operations.clients.update(String(wanted['client_id']), changedMembers(changes, defaults) as ClientBody),
        path: [],
      },
    ],
  ],
  isProtected: (id, ownClientId) => id === ownClientId,
  tokenConsequences,
  getsSecret: ({ token_endpoint_auth_method: method = null }) =>
    method === null || String(method).startsWith('client_secret'),
};

/** The server has each time in UTC, without a fraction of a second; it says what is wrong with other texts. */
function normalize(client: JsonObject): JsonObject {
  const time = Date.parse(String(client['expires_at'] ?? ''));
  return Number.isNaN(time) ? client : { ...client, expires_at: new Date(time - (time % 1000)).toISOString() };
}

/** What the server revokes with the change. */
function tokenConsequences(before: JsonObject, changes: readonly MemberChange[] | undefined): string[] {
  const client = `the client ${nameWithId(before, 'client_id')}`;
  if (changes === undefined || changes.some(({ name, after }) => name === 'enabled' && after === false)) {
    return [`All tokens of ${client} are revoked for good.`];
  }
  const expiry = changes.find(({ name }) => name === 'expires_at');
  const isEarlier =
    expiry?.after !== undefined && (expiry.before === undefined || String(expiry.after) < String(expiry.before));
  const outlived = isEarlier ? [`Tokens of ${client} are revoked for good, if one could last longer than it.`] : [];
  const lostParts = Object.entries(tokenMembers).flatMap(([member, words]) => {
    const change = changes.find(({ name }) => name === member);
    const lost = new Set(listOf(change?.before)).difference(new Set(listOf(change?.after)));
    return lost.size === 0 ? [] : [`Tokens of ${client} ${words} ${[...lost].join(' or ')} are revoked for good.`];
  });
  const withdrawn = changes.some(({ name, before: claims }) => name === 'fixed_claims' && claims !== undefined);
  const claimed = withdrawn ? [`All tokens of ${client} are revoked for good, if a claim is removed or changed.`] : [];
  return [...outlived, ...claimed, ...lostParts];
}

const tokenMembers = {
  scopes: 'with the scope',
  resources: 'for the resource',
  authorization_details_types: 'with authorization details of the type',
};

const listOf = (value: unknown) => (Array.isArray(value) ? (value as unknown[]) : []);

/** There may be a million: if the list has more pages than there are ids, each client is read by its id. */
async function readClients({ admin, all }: ServerConnection, ids: readonly string[] | undefined): Promise<Client[]> {
  const { total } = await admin.clients.list({ size: 1 });
  if (ids === undefined || total <= ids.length * maxPageSize) {
    return all(operations.clients.list(), 'clients read');
  }
  const progress = startProgress('clients read');
  const found: Client[] = [];
  for (const [index, id] of ids.entries()) {
    const client = await admin.find(operations.clients.get(id));
    found.push(...(client === undefined ? [] : [client]));
    progress.report(index + 1, ids.length);
  }
  progress.end();
  return found;
}
