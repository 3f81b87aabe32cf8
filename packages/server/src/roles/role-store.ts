/** The roles that users added, in the database. */
import { createThingStore } from '../db/thing-store.ts';
import type { Role } from './role.ts';

export const ownRoles = createThingStore<Role>('roles', 'name', { scopes: 'json', grantableScopes: 'json' });
