/** The management API of roles. docs/signing-in.md. */
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted, nullable, PageQuery, pageView, printableText, slicePage } from '@postern/http-api';
import { OAuthError, toWireNames } from '@postern/protocol';
import { type Static, Type } from 'typebox';
import { operation } from '../http/operation.ts';
import { isBuiltInRole, type KnownRole } from './role.ts';
import type { RoleRegistry } from './role-registry.ts';

const Name = Type.String({ pattern: '^[A-Za-z0-9_-]{1,100}$' });
const Scopes = Type.Array(Type.String(), { maxItems: 1_000, description: 'What people with the role can do.' });
const GrantableScopes = nullable(
  Type.Array(Type.String(), {
    maxItems: 1_000,
    description: 'What they may assign to clients in addition. Default: as for clients, by POSTERN_DELEGATION.',
  }),
);
const Origin = Type.Union([Type.Literal('built-in'), Type.Literal('own')], {
  description: '`own`: added by a user.',
});

export const RoleView = Type.Object(
  {
    name: Name,
    description: printableText(1_000),
    scopes: Scopes,
    grantable_scopes: GrantableScopes,
    origin: Origin,
  },
  { title: 'Role' },
);

export const RoleBody = Type.Object(
  {
    name: Name,
    description: Type.Optional(printableText(1_000)),
    scopes: Scopes,
    grantable_scopes: Type.Optional(GrantableScopes),
  },
  { additionalProperties: false },
);

/** What GET gives is taken back: the origin must be as it is. */
const SavedRole = Type.Object(
  { ...RoleBody.properties, origin: Type.Optional({ ...Origin, readOnly: true }) },
  { title: 'RoleBody', additionalProperties: false },
);

const RolePath = Type.Object({ name: Type.String({ maxLength: 100 }) });

export function rolesEndpoint(roles: RoleRegistry): ApiPlugin {
  return async (app) => {
    app.get(
      '/api/v1/oauth/role',
      operation('list_roles', 'role:read', 'List the roles that people can have', {
        lists: ['role', 'name'],
        query: PageQuery,
        answer: pageView(RoleView),
      }),
      async (request) =>
        slicePage(roles.list(), request.query, toView, ({ name, origin }) => [origin === 'own' ? '1' : '0', name]),
    );

    app.put(
      '/api/v1/oauth/role',
      operation('save_role', 'role:create_or_update', 'Create a role, or change the one with that name', {
        changes: 'role',
        description:
          'Whoever saves a role must be able to give all that it can do, before and after. People who have the role can do at once ' +
          'what it says now.',
        body: SavedRole,
        answer: RoleView,
        errors: [409],
      }),
      async (request) => {
        const { name, description = '', scopes, grantable_scopes: grantableScopes = null, origin } = request.body;
        requireOriginAsItIs(name, origin);
        return toView(await roles.save(accessTokenOf(request), { name, description, scopes, grantableScopes }));
      },
    );

    app.get(
      '/api/v1/oauth/role/:name',
      operation('get_role', 'role:read', 'Read a role', { reads: 'role', params: RolePath, answer: RoleView }),
      async (request) => toView(roles.get(request.params.name)),
    );

    app.delete(
      '/api/v1/oauth/role/:name',
      operation('delete_role', 'role:delete', 'Delete a role: people who have it can do nothing any more', {
        changes: 'role',
        params: RolePath,
        answer: Deleted,
        errors: [409],
      }),
      async (request) => roles.remove(accessTokenOf(request), request.params.name),
    );
  };
}

/** Throws `invalid_parameter`. */
function requireOriginAsItIs(name: string, origin: KnownRole['origin'] | undefined): void {
  const present = isBuiltInRole(name) ? 'built-in' : 'own';
  if ((origin ?? present) !== present) {
    throw new OAuthError(
      'invalid_parameter',
      `origin: is not a member that can be changed; leave it out, or send ${present}.`,
    );
  }
}

const toView = (role: KnownRole) => toWireNames({ ...role }) as unknown as Static<typeof RoleView>;
