/** The registered scopes, for whoever makes clients. */
import { Type } from 'typebox';
import type { ApiPlugin } from '../http/api.ts';
import { errorResponses } from '../http/schemas.ts';
import type { ScopeRegistry } from './scope-registry.ts';

export const ScopeView = Type.Object({
  name: Type.String(),
  description: Type.String(),
  administrative: Type.Boolean({ description: 'It administers Postern itself.' }),
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

export function scopesEndpoint(registry: ScopeRegistry): ApiPlugin {
  return async (app) => {
    // Fidesops documented the plural and served the singular: both are in use.
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
  };
}
