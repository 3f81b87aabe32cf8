/** The list of registered scopes, and the management API of those that users add. */
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted, PageQuery, type Place, pageView, slicePage, visibleText } from '@postern/http-api';
import { OAuthError } from '@postern/protocol';
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { operation } from '../http/operation.ts';
import { defaultScopes, type Scope } from './default-scopes.ts';
import type { OwnScopes } from './own-scopes.ts';
import type { ScopeRegistry } from './scope-registry.ts';

export const ScopeView = Type.Object(
  {
    name: Type.String(),
    description: Type.String(),
    administrative: Type.Boolean({ description: 'It administers Postern itself.' }),
    origin: Type.Union([Type.Literal('built-in'), Type.Literal('own')], { description: '`own`: added by a user.' }),
  },
  { title: 'Scope' },
);

export const ScopeBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    description: visibleText(500),
  },
  { additionalProperties: false },
);

/** What GET gives is taken back: the members that nobody can change must be as they are. */
const SavedScope = Type.Object(
  {
    ...ScopeBody.properties,
    administrative: Type.Optional({ ...ScopeView.properties.administrative, readOnly: true }),
    origin: Type.Optional({ ...ScopeView.properties.origin, readOnly: true }),
  },
  { title: 'ScopeBody', additionalProperties: false },
);

const ScopesBody = Type.Array(SavedScope, {
  minItems: 1,
  maxItems: 500,
  examples: [[{ name: 'invoice:read', description: 'List and read invoices' }]],
});

const Query = Type.Object(
  {
    size: PageQuery.properties.size,
    cursor: PageQuery.properties.cursor,
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
          description: `Also at \`${plural}\`. With a cursor it is answered in pages, with descriptions and ETags.`,
          lists: ['scope', 'name'],
          query: Query,
          answer: Type.Union([Type.Array(Type.String()), Type.Array(ScopeView), pageView(ScopeView)]),
        }),
        async ({ query: { view, size, cursor } }) => {
          if (cursor !== undefined) {
            return slicePage(registry.scopes, { page: 1, size, cursor }, (scope) => ({ ...scope }), placeOf);
          }
          return view === 'full' ? [...registry.scopes] : registry.scopes.map(({ name }) => name);
        },
      );
    }

    app.put(
      '/api/v1/oauth/scope',
      {
        ...operation('save_scopes', 'scope:create_or_update', 'Add scopes of your own, or change their descriptions', {
          changes: 'scope',
          description: 'The body is an array of scopes, or one alone: all are saved, or none. Built-in ones stay.',
          body: ScopesBody,
          answer: Type.Array(ScopeView),
          errors: [409],
        }),
        preValidation: acceptOneScope,
      },
      async (request) => {
        requireAsTheyAre(request.body, registry);
        return [...(await scopes.save(accessTokenOf(request), request.body))];
      },
    );

    app.get(
      '/api/v1/oauth/scope/:name',
      operation('get_scope', 'scope:read', 'Read a scope', { reads: 'scope', params: ScopePath, answer: ScopeView }),
      async (request) => scopes.get(request.params.name),
    );

    app.delete(
      '/api/v1/oauth/scope/:name',
      operation(
        'delete_scope',
        'scope:delete',
        'Delete a scope of your own that no client and no resource has any more',
        { changes: 'scope', params: ScopePath, answer: Deleted, errors: [409] },
      ),
      async (request) => scopes.remove(accessTokenOf(request), request.params.name),
    );
  };
}

const places = new Map(defaultScopes.map(({ name }, number) => [name, number]));

/** The built-in scopes come first, in their own order, as in the list without a cursor. */
function placeOf({ name, origin }: Scope): Place {
  return [origin === 'own' ? 'own' : `built-in ${String(places.get(name)).padStart(4, '0')}`, name];
}

/** Throws `invalid_parameter` for a member that cannot be changed and is not as it is. A new scope is ordinary. */
function requireAsTheyAre(sent: Static<typeof ScopesBody>, registry: ScopeRegistry): void {
  const ordinary = { administrative: false, origin: 'own' } as const;
  for (const [index, { name, ...members }] of sent.entries()) {
    const present = registry.find(name) ?? ordinary;
    for (const member of ['administrative', 'origin'] as const) {
      if ((members[member] ?? present[member]) !== present[member]) {
        throw new OAuthError(
          'invalid_parameter',
          `[${index}].${member}: is not a member that can be changed; leave it out, or send ${present[member]}.`,
        );
      }
    }
  }
}

async function acceptOneScope(request: FastifyRequest): Promise<void> {
  if (!Array.isArray(request.body)) {
    request.body = [request.body];
  }
}
