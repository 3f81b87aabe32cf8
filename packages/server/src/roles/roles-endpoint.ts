/** The management API of roles. docs/signing-in.md. */
import { type ApiPlugin, nullable, printableText } from '@postern/http-api';
import { OAuthError, toWireNames } from '@postern/protocol';
import { type Static, Type } from 'typebox';
import { savedThings } from '../http/saved-things.ts';
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

export function rolesEndpoint(roles: RoleRegistry): ApiPlugin {
  return savedThings({
    kind: 'role',
    names: ['role', 'roles'],
    path: '/api/v1/oauth/role',
    idParameter: 'name',
    idMember: 'name',
    body: SavedRole,
    view: RoleView,
    summaries: {
      list: 'List the roles that people can have',
      save: 'Create a role, or change the one with that name',
      get: 'Read a role',
      delete: 'Delete a role: people who have it can do nothing any more',
    },
    description:
      'Whoever saves a role must be able to give all that it can do, before and after. People who have the role can do at once ' +
      'what it says now.',
    conflicts: ['save', 'delete'],
    things: roles,
    async save(token, { name, description = '', scopes, grantable_scopes: grantableScopes = null, origin }) {
      requireOriginAsItIs(name, origin);
      return roles.save(token, { name, description, scopes, grantableScopes });
    },
    toView: (role) => toWireNames({ ...role }) as unknown as Static<typeof RoleView>,
    placeOf: ({ name, origin }) => [origin === 'own' ? '1' : '0', name],
  });
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
