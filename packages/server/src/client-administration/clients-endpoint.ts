/** The management API of clients. */
import { requireScope } from '@postern/guard';
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted, nullable, PageQuery, pageOf, pageView, printableText } from '@postern/http-api';
import { fromWireNames, toWireNames } from '@postern/protocol';
import type { FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import { Type } from 'typebox';
import type { Client } from '../clients/client.ts';
import { clientMetadataMembers, longestTokenTtlSeconds } from '../clients/client-metadata-schema.ts';
import { getClient, listClients } from '../clients/client-store.ts';
import type { Database } from '../db/schema.ts';
import { operation } from '../http/operation.ts';
import type { ClientAdministration } from './client-administration.ts';

const ScopeNames = Type.Array(Type.String({ maxLength: 100 }), { maxItems: 1_000 });
const exampleScopes = { scopes: ['policy:read', 'rule:read'] };

export const ClientBody = Type.Object(
  {
    name: Type.Optional(nullable(printableText(200))),
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
    ...clientMetadataMembers,
  },
  { additionalProperties: false, examples: [{ name: 'billing', ...exampleScopes }] },
);

/** Chosen ids: letters and digits as in those that Postern generates, and the characters that other servers use. */
export const NewClientBody = Type.Object(
  {
    client_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        pattern: '^[A-Za-z0-9_-]+$',
        description:
          'An id of your choice, which requires the scope client:choose_id. Without it, Postern generates one.',
      }),
    ),
    ...ClientBody.properties,
  },
  { additionalProperties: false, examples: [{ name: 'billing', ...exampleScopes }] },
);

const ScopesBody = Type.Object({ scopes: ScopeNames }, { additionalProperties: false, examples: [exampleScopes] });

export const CreatedView = Type.Object({
  client_id: Type.String(),
  client_secret: Type.Optional(
    Type.String({ description: 'Shown only once; Postern keeps a digest. Missing for a client that uses none.' }),
  ),
  inherited: Type.Optional(
    Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      additionalProperties: true,
      description:
        'Limits of the client that makes the call, which the new client has too because the body does not name them.',
    }),
  ),
});

export const ClientView = Type.Object({
  client_id: Type.String(),
  name: nullable(Type.String()),
  description: nullable(Type.String()),
  scopes: Type.Array(Type.String()),
  grantable_scopes: nullable(Type.Array(Type.String())),
  enabled: Type.Boolean(),
  access_token_ttl_seconds: nullable(Type.Integer()),
  created_at: Type.String({ format: 'date-time' }),
  updated_at: Type.String({ format: 'date-time' }),
  ...clientMetadataMembers,
});

/** The orders of lists, and the columns that they are read by. */
const orders = {
  created_at: { column: 'created_at', direction: 'asc' },
  '-created_at': { column: 'created_at', direction: 'desc' },
  name: { column: 'sort_name', direction: 'asc' },
  '-name': { column: 'sort_name', direction: 'desc' },
} as const;

const ListQuery = Type.Object(
  {
    ...PageQuery.properties,
    search: Type.Optional(
      printableText(100, { description: 'Part of the id, the name or the description, in upper or lower case.' }),
    ),
    sort: Type.Enum(['created_at', '-created_at', 'name', '-name'], {
      default: 'created_at',
      description: 'With `-`, in descending order. Names are compared in lower case.',
    }),
  },
  { additionalProperties: false },
);

const ClientPath = Type.Object({ client_id: Type.String() });

export interface ClientsEndpointOptions {
  readonly db: Kysely<Database>;
  readonly administration: ClientAdministration;
}

export function clientsEndpoint({ db, administration }: ClientsEndpointOptions): ApiPlugin {
  return async (app) => {
    app.post(
      '/api/v1/oauth/client',
      {
        ...operation('create_client', 'client:create', 'Create a client', {
          description: 'The body is an object, or a bare array of scopes, or empty for a client without scopes.',
          body: NewClientBody,
          answer: CreatedView,
          errors: [409],
        }),
        preValidation: acceptBareScopes,
      },
      async (request) => {
        const token = accessTokenOf(request);
        const { client_id: chosenId, ...settings } = request.body;
        if (chosenId !== undefined) {
          requireScope(token, 'client:choose_id', 'Bearer');
        }
        const created = await administration.create(token, fromWireNames(settings), chosenId);
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
      operation('list_clients', 'client:read', 'List clients', { query: ListQuery, answer: pageView(ClientView) }),
      async (request) => {
        const { page, size, search, sort } = request.query;
        const { clients, total } = await listClients(db, {
          ...orders[sort],
          search: search === '' ? undefined : search,
          page,
          size,
        });
        return pageOf(clients.map(toView), total, request.query);
      },
    );

    app.get(
      '/api/v1/oauth/client/:client_id',
      operation('get_client', 'client:read', 'Read a client', { params: ClientPath, answer: ClientView }),
      async (request) => toView(await getClient(db, request.params.client_id)),
    );

    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/v1/oauth/client/:client_id',
        ...operation(method === 'PUT' ? 'update_client' : 'patch_client', 'client:update', 'Change a client', {
          description: 'Changes the members that are sent. Tokens with a withdrawn scope are revoked at once.',
          params: ClientPath,
          body: ClientBody,
          answer: ClientView,
        }),
        handler: async (request) =>
          toView(
            await administration.change(accessTokenOf(request), request.params.client_id, fromWireNames(request.body)),
          ),
      });
    }

    app.delete(
      '/api/v1/oauth/client/:client_id',
      operation('delete_client', 'client:delete', 'Delete a client and revoke its tokens at once', {
        params: ClientPath,
        answer: Deleted,
      }),
      async (request) => administration.remove(accessTokenOf(request), request.params.client_id),
    );

    app.post(
      '/api/v1/oauth/client/:client_id/revoke',
      operation('revoke_client_tokens', 'token:revoke', 'Revoke all tokens of a client that were issued so far', {
        params: ClientPath,
        answer: Type.Null({ description: 'Revoked' }),
      }),
      async (request) => administration.revokeTokens(accessTokenOf(request), request.params.client_id),
    );

    app.get(
      '/api/v1/oauth/client/:client_id/scope',
      operation('get_client_scopes', 'client:read', 'Read the scopes of a client', {
        params: ClientPath,
        answer: ScopeNames,
      }),
      async (request) => [...(await getClient(db, request.params.client_id)).scopes],
    );

    app.put(
      '/api/v1/oauth/client/:client_id/scope',
      {
        ...operation('set_client_scopes', 'client:update', 'Set the scopes of a client', {
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

/** Accepts what Fidesops accepts instead of an object: a bare array of scopes, or no body. */
async function acceptBareScopes(request: FastifyRequest): Promise<void> {
  if (request.body === undefined) {
    request.body = {};
  } else if (Array.isArray(request.body)) {
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
    created_at: new Date(client.createdAt).toISOString(),
    updated_at: new Date(client.updatedAt).toISOString(),
    ...toWireNames(client.metadata),
  };
}
