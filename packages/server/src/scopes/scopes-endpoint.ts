/** The list of registered scopes, and the management API of those that users add. */
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted, printableText } from '@postern/http-api';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { operation } from '../http/operation.ts';
import type { OwnScopes } from './own-scopes.ts';

export const ScopeView = Type.Object({
  name: Type.String(),
  description: Type.String(),
  administrative: Type.Boolean({ description: 'It administers Postern itself.' }),
  origin: Type.Union([Type.Literal('built-in'), Type.Literal('own')], { description: '`own`: added by a user.' }),
});

export const ScopeBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    description: printableText(500, { minLength: 1 }),
  },
  { additionalProperties: false },
);

const ScopesBody = Type.Array(ScopeBody, {
  minItems: 1,
  maxItems: 500,
  examples: [[{ name: 'invoice:read', description: 'List and read invoices' }]],
});

const Query = Type.Object(
  {
    view: Type.Optional(
      Type.Union([Type.Literal('names'), Type.Literal('full')], {
        description: '`names`, the default, or `full` with descriptions.',
      }),
    ),
  },
  { additionalProperties: false },
);

const ScopePath = Type.Object({ name: Type.String() });

export function scopesEndpoint(scopes: OwnScopes): ApiPlugin {
  const { registry } = scopes;

  return async (app) => {
    // Fidesops documented the plural and served the singular, so both are in use.
    const plural = '/api/v1/oauth/scopes';
    for (const url of ['/api/v1/oauth/scope', plural]) {
      app.get(
        url,
        operation('read_scopes', 'scope:read', 'List the scopes that a client can hold', {
          hide: url === plural,
          description: `Also at \`${plural}\`.`,
          query: Query,
          answer: Type.Union([Type.Array(Type.String()), Type.Array(ScopeView)]),
        }),
        async (request) => (request.query.view === 'full' ? [...registry.scopes] : [...registry.names]),
      );
    }

    app.put(
      '/api/v1/oauth/scope',
      {
        ...operation('save_scopes', 'scope:create_or_update', 'Add scopes of your own, or change their descriptions', {
          description: 'The body is an array of scopes, or one alone: all are saved, or none. Built-in ones stay.',
          body: ScopesBody,
          answer: Type.Array(ScopeView),
          errors: [409],
        }),
        preValidation: acceptOneScope,
      },
      async (request) => [...(await scopes.save(accessTokenOf(request), request.body))],
    );

    app.delete(
      '/api/v1/oauth/scope/:name',
      operation(
        'delete_scope',
        'scope:delete',
        'Delete a scope of your own that no client and no resource has any more',
        {
          params: ScopePath,
          answer: Deleted,
          errors: [409],
        },
      ),
      async (request) => scopes.remove(accessTokenOf(request), request.params.name),
    );
  };
}

async function acceptOneScope(request: FastifyRequest): Promise<void> {
  if (!Array.isArray(request.body)) {
    request.body = [request.body];
  }
}
