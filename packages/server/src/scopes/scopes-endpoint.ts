/** The list of registered scopes, and the management API of those that users add. */
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, errorResponses, printableText } from '@postern/http-api';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
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
        {
          config: { scope: 'scope:read' },
          schema: {
            hide: url === plural,
            tags: ['OAuth'],
            operationId: 'read_scopes',
            summary: 'List the scopes that a client can hold',
            description: `Also at \`${plural}\`.`,
            querystring: Query,
            response: {
              200: Type.Union([Type.Array(Type.String()), Type.Array(ScopeView)]),
              ...errorResponses(401, 403, 422),
            },
          },
        },
        async (request) => (request.query.view === 'full' ? [...registry.scopes] : [...registry.names]),
      );
    }

    app.put(
      '/api/v1/oauth/scope',
      {
        config: { scope: 'scope:create_or_update' },
        preValidation: acceptOneScope,
        schema: {
          tags: ['OAuth'],
          operationId: 'save_scopes',
          summary: 'Add scopes of your own, or change their descriptions',
          description: 'The body is an array of scopes, or one alone: all are saved, or none. Built-in ones stay.',
          body: ScopesBody,
          response: { 200: Type.Array(ScopeView), ...errorResponses(400, 401, 403, 409, 413, 415, 422) },
        },
      },
      async (request) => [...(await scopes.save(accessTokenOf(request), request.body))],
    );

    app.delete(
      '/api/v1/oauth/scope/:name',
      {
        config: { scope: 'scope:delete' },
        schema: {
          tags: ['OAuth'],
          operationId: 'delete_scope',
          summary: 'Delete a scope of your own that no client and no resource has any more',
          params: ScopePath,
          response: { 204: Type.Null({ description: 'Deleted' }), ...errorResponses(401, 403, 404, 409) },
        },
      },
      async (request, reply) => {
        await scopes.remove(accessTokenOf(request), request.params.name);
        return reply.code(204).send(null);
      },
    );
  };
}

async function acceptOneScope(request: FastifyRequest): Promise<void> {
  if (!Array.isArray(request.body)) {
    request.body = [request.body];
  }
}
