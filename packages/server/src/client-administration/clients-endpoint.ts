/** The management API of clients. */
import { requireScope } from '@postern/guard';
import { accessTokenOf } from '@postern/guard/fastify';
import {
  type ApiPlugin,
  Deleted,
  Name,
  nullable,
  PageQuery,
  pageOf,
  pageView,
  printableText,
  sliceOf,
} from '@postern/http-api';
import { fromWireNames, OAuthError, toWireNames } from '@postern/protocol';
import type { FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import { Type } from 'typebox';
import type { Client } from '../clients/client.ts';
import { clientMetadataMembers, longestTokenTtlSeconds } from '../clients/client-metadata-schema.ts';
import { authenticationKinds } from '../clients/client-search-store.ts';
import { getClient, listClients, placeOfClient } from '../clients/client-store.ts';
import type { Database } from '../db/schema.ts';
import { operation } from '../http/operation.ts';
import { requireAddressable } from './chosen-id.ts';
import { ChosenDigest, ChosenSecret, parseChosenSecret } from './chosen-secret.ts';
import type { ClientAdministration } from './client-administration.ts';

const ScopeNames = Type.Array(Type.String({ maxLength: 100 }), { maxItems: 1_000 });
const exampleScopes = { scopes: ['policy:read', 'rule:read'] };

export const ClientBody = Type.Object(
  {
    name: Type.Optional(nullable(Name)),
    description: Type.Optional(nullable(printableText(2_000))),
    scopes: Type.Optional(ScopeNames),
    grantable_scopes: Type.Optional(
      nullable({ ...ScopeNames, description: 'Scopes that it may assign in addition to those of its token.' }),
    ),
    enabled: Type.Optional(Type.Boolean({ description: 'Disabling revokes all of its tokens permanently.' })),
    access_token_ttl_seconds: Type.Optional(
      nullable(
        Type.Integer({
          minimum: 1,
          maximum: longestTokenTtlSeconds,
          description: 'null is the default of the server.',
        }),
      ),
    ),
    expires_at: Type.Optional(
      nullable(
        Type.String({
          maxLength: 40,
          examples: ['2030-01-31T12:00:00Z'],
          description:
            'A time of RFC 3339. From then on the client gets no token, and none of its tokens lasts longer. null: it never ' +
            'expires. A fraction of a second is dropped.',
        }),
      ),
    ),
    ...clientMetadataMembers,
  },
  { additionalProperties: false, examples: [{ name: 'billing', ...exampleScopes }] },
);

/** Chosen ids: `clientIdPattern`, and no segment that a URL cannot have, which `requireAddressable` finds. */
export const NewClientBody = Type.Object(
  {
    client_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        pattern: '^[A-Za-z0-9._~:@/-]+$',
        description:
          'An id of your choice, which requires the scope client:choose_id, or client_document:approve for the URL of a metadata ' +
          'document. Without it, Postern generates one.',
      }),
    ),
    client_secret: Type.Optional(ChosenSecret),
    client_secret_digest: Type.Optional(ChosenDigest),
    ...ClientBody.properties,
  },
  { title: 'NewClientBody', additionalProperties: false, examples: [{ name: 'billing', ...exampleScopes }] },
);

/** What GET gives is taken back: the members that nobody can change are accepted. */
const ChangedClientBody = Type.Object(
  {
    ...ClientBody.properties,
    client_id: Type.Optional(Type.String({ readOnly: true, description: 'That of the path, or missing.' })),
    created_at: Type.Optional(Type.String({ readOnly: true, description: 'As GET gives it, or missing.' })),
    updated_at: Type.Optional(
      Type.String({ readOnly: true, pattern: '^\\d{4}-\\d\\d-\\d\\dT', description: 'Is ignored: a change sets it.' }),
    ),
    last_issued_at: Type.Optional(
      Type.Union([Type.String(), Type.Null()], {
        readOnly: true,
        description: 'Is ignored: lists have it, and tokens set it.',
      }),
    ),
  },
  { title: 'ClientBody', additionalProperties: false, examples: [{ name: 'billing', ...exampleScopes }] },
);

const ScopesBody = Type.Object(
  { scopes: ScopeNames },
  { title: 'ScopesBody', additionalProperties: false, examples: [exampleScopes] },
);

export const CreatedView = Type.Object(
  {
    client_id: Type.String(),
    client_secret: Type.Optional(
      Type.String({
        description:
          'Shown only once; Postern keeps a digest. Missing if you chose it, and for a client that uses none.',
      }),
    ),
    inherited: Type.Optional(
      Type.Unsafe<Record<string, unknown>>({
        type: 'object',
        additionalProperties: true,
        description:
          'Limits of the client that makes the call, which the new client has too because the body does not name them.',
      }),
    ),
  },
  { title: 'CreatedClient' },
);

export const ClientView = Type.Object(
  {
    client_id: Type.String(),
    name: nullable(Type.String()),
    description: nullable(Type.String()),
    scopes: Type.Array(Type.String()),
    grantable_scopes: nullable(Type.Array(Type.String())),
    enabled: Type.Boolean(),
    access_token_ttl_seconds: nullable(Type.Integer()),
    expires_at: nullable(Type.String({ format: 'date-time' })),
    created_at: Type.String({ format: 'date-time' }),
    updated_at: Type.String({ format: 'date-time' }),
    ...clientMetadataMembers,
  },
  { title: 'Client' },
);

const ListedClientView = Type.Object(
  {
    ...ClientView.properties,
    last_issued_at: nullable(
      Type.String({
        format: 'date-time',
        description:
          'When it got its last token; null: never. Tokens that other nodes issued within the last minute may be missing.',
      }),
    ),
  },
  { title: 'ListedClient' },
);

/** The orders of lists, and the columns that they are read by. */
const orders = {
  created_at: { column: 'created_at', direction: 'asc' },
  '-created_at': { column: 'created_at', direction: 'desc' },
  name: { column: 'sort_name', direction: 'asc' },
  '-name': { column: 'sort_name', direction: 'desc' },
  last_issued_at: { column: 'last_issued_at', direction: 'asc' },
  '-last_issued_at': { column: 'last_issued_at', direction: 'desc' },
} as const;

const ListQuery = Type.Object(
  {
    ...PageQuery.properties,
    search: Type.Optional(
      printableText(100, { description: 'Part of the id, the name or the description, in upper or lower case.' }),
    ),
    scope: Type.Optional(printableText(100, { description: 'Only clients that have this scope.' })),
    resource: Type.Optional(
      printableText(1_000, { description: 'Only clients that may get tokens for the resource with this identifier.' }),
    ),
    enabled: Type.Optional(Type.Enum(['true', 'false'], { description: 'Only enabled, or only disabled clients.' })),
    authentication: Type.Optional(
      Type.Enum([...authenticationKinds], { description: 'Only clients that authenticate in this way.' }),
    ),
    expires_within_days: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 3_650,
        description: 'Only clients that have expired, or expire within so many days.',
      }),
    ),
    unused_days: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 3_650, description: 'Only clients that got no token for so many days.' }),
    ),
    failing: Type.Optional(
      Type.Enum(['true', 'false'], {
        description: 'Whether a request of theirs for a token failed within the last hour.',
      }),
    ),
    sort: Type.Enum(['created_at', '-created_at', 'name', '-name', 'last_issued_at', '-last_issued_at'], {
      default: 'created_at',
      description:
        'With `-`, in descending order. Names are compared in lower case. Last tokens are compared as of up to a minute ago; ' +
        'clients that have never got one come before all others.',
    }),
  },
  { additionalProperties: false },
);

const ClientPath = Type.Object({ client_id: Type.String() });

export interface ClientsEndpointOptions {
  readonly db: Kysely<Database>;
  readonly administration: ClientAdministration;
  /** When this node issued a token to the client that is not written yet. Milliseconds since 1970. */
  readonly lastTokenIssue: (clientId: string) => number | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function clientsEndpoint({ db, administration, lastTokenIssue, now }: ClientsEndpointOptions): ApiPlugin {
  return async (app) => {
    app.post(
      '/api/v1/oauth/client',
      {
        ...operation('create_client', 'client:create', 'Create a client', {
          changes: 'client',
          description: 'The body is an object, or a bare array of scopes, or empty for a client without scopes.',
          body: NewClientBody,
          answer: CreatedView,
          errors: [409],
        }),
        preValidation: acceptBareScopes,
      },
      async (request) => {
        const token = accessTokenOf(request);
        const { client_id: id, client_secret, client_secret_digest, ...settings } = request.body;
        if (id !== undefined) {
          // The id of a client that is known by its document is not the choice of whoever approves it.
          const isApproval = settings.client_id_metadata_document === true;
          requireScope(token, isApproval ? 'client_document:approve' : 'client:choose_id', 'Bearer');
          requireAddressable(id);
        }
        const secret = parseChosenSecret(token, client_secret, client_secret_digest);
        const created = await administration.create(token, fromWireNames(settings), { id, secret });
        const inherited = toWireNames(created.inherited);
        return {
          client_id: created.clientId,
          ...(created.clientSecret !== undefined && { client_secret: created.clientSecret }),
          ...(Object.keys(inherited).length > 0 && { inherited }),
        };
      },
    );

    app.get(
      '/api/v1/oauth/client',
      operation('list_clients', 'client:read', 'List clients', {
        lists: ['client', 'client_id'],
        query: ListQuery,
        answer: pageView(ListedClientView),
      }),
      async ({ query }) => {
        const { search, scope, resource, enabled, authentication, unused_days, failing, sort } = query;
        const { expires_within_days } = query;
        const ago = (ms: number) => new Date(now() - ms).toISOString();
        const filter = {
          search: search === '' ? undefined : search,
          scope,
          resource,
          enabled: enabled === undefined ? undefined : enabled === 'true',
          authentication,
          expiresBefore: expires_within_days === undefined ? undefined : ago(-expires_within_days * 86_400_000),
          unusedSince: unused_days === undefined ? undefined : ago(unused_days * 86_400_000),
          failing: failing === undefined ? undefined : { since: ago(3_600_000), is: failing === 'true' },
        };
        const order = orders[sort];
        const { items, total } = await listClients(db, {
          ...order,
          ...sliceOf(query, 2),
          filter: Object.values(filter).every((value) => value === undefined) ? undefined : filter,
        });
        return pageOf(
          items,
          total,
          query,
          ({ client, lastIssuedAt }) => {
            const unwritten = lastTokenIssue(client.id);
            return {
              ...toView(client),
              last_issued_at: unwritten === undefined ? lastIssuedAt : new Date(unwritten).toISOString(),
            };
          },
          (item) => placeOfClient(item, order),
        );
      },
    );

    app.get(
      '/api/v1/oauth/client/:client_id',
      operation('get_client', 'client:read', 'Read a client', {
        reads: 'client',
        params: ClientPath,
        answer: ClientView,
      }),
      async (request) => toView(await getClient(db, request.params.client_id)),
    );

    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/v1/oauth/client/:client_id',
        ...operation(method === 'PUT' ? 'update_client' : 'patch_client', 'client:update', 'Change a client', {
          description: 'Changes the members that are sent. Tokens with a withdrawn scope are revoked at once.',
          changes: 'client',
          params: ClientPath,
          body: ChangedClientBody,
          answer: ClientView,
        }),
        handler: async (request) => {
          const { client_id: clientId } = request.params;
          const { client_id, created_at, updated_at: _, last_issued_at: __, ...change } = request.body;
          if (client_id !== undefined || created_at !== undefined) {
            requireAsRead({ client_id, created_at }, toView(await getClient(db, clientId)));
          }
          return toView(await administration.change(accessTokenOf(request), clientId, fromWireNames(change)));
        },
      });
    }

    app.delete(
      '/api/v1/oauth/client/:client_id',
      operation('delete_client', 'client:delete', 'Delete a client and revoke its tokens at once', {
        changes: 'client',
        params: ClientPath,
        answer: Deleted,
      }),
      async (request) => administration.remove(accessTokenOf(request), request.params.client_id),
    );

    app.post(
      '/api/v1/oauth/client/:client_id/revoke',
      operation('revoke_client_tokens', 'token:revoke', 'Revoke all tokens of a client that were issued so far', {
        changes: 'client',
        description:
          'Its sessions end too. With the id of a person, as the audit trail has it, all sessions of that person end.',
        params: ClientPath,
        answer: Type.Null({ description: 'Revoked' }),
      }),
      async (request) => {
        await administration.revokeTokens(accessTokenOf(request), request.params.client_id);
      },
    );

    app.get(
      '/api/v1/oauth/client/:client_id/scope',
      operation('get_client_scopes', 'client:read', 'Read the scopes of a client', {
        reads: 'client',
        params: ClientPath,
        answer: ScopeNames,
      }),
      async (request) => [...(await getClient(db, request.params.client_id)).scopes],
    );

    app.put(
      '/api/v1/oauth/client/:client_id/scope',
      {
        ...operation('set_client_scopes', 'client:update', 'Set the scopes of a client', {
          changes: 'client',
          description: 'The body is an object, or a bare array of scopes. They replace its present scopes.',
          params: ClientPath,
          body: ScopesBody,
          answer: ScopeNames,
        }),
        preValidation: acceptBareScopes,
      },
      async (request) => {
        const client = await administration.change(accessTokenOf(request), request.params.client_id, request.body);
        return [...client.scopes];
      },
    );
  };
}

/** Throws `invalid_parameter` if a member that was sent is not as it is: nobody can change it. */
function requireAsRead(
  sent: { readonly client_id: string | undefined; readonly created_at: string | undefined },
  present: { readonly client_id: string; readonly created_at: string },
): void {
  for (const member of ['client_id', 'created_at'] as const) {
    if ((sent[member] ?? present[member]) !== present[member]) {
      throw new OAuthError('invalid_parameter', `${member}: is not a member that can be changed; leave it out.`);
    }
  }
}

/** Accepts what Fidesops accepts instead of an object: a bare array of scopes, or no body. */
async function acceptBareScopes(request: FastifyRequest): Promise<void> {
  if (Array.isArray(request.body)) {
    request.body = { scopes: request.body };
  }
}

function toView(client: Client) {
  return {
    client_id: client.id,
    name: client.name,
    description: client.description,
    scopes: [...client.scopes],
    grantable_scopes: client.grantableScopes === null ? null : [...client.grantableScopes],
    enabled: client.enabled,
    access_token_ttl_seconds: client.accessTokenTtlSeconds,
    expires_at: client.expiresAt === null ? null : new Date(client.expiresAt).toISOString(),
    created_at: new Date(client.createdAt).toISOString(),
    updated_at: new Date(client.updatedAt).toISOString(),
    ...toWireNames(client.metadata),
  };
}
