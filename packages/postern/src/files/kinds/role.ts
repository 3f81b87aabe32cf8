/** Roles of people in files: those of the installation, not the built-in ones. */
import { operations } from '@postern/admin';
import type { FileKind } from './file-kind.ts';
import { simpleKind } from './simple-kind.ts';

export const roleKind: FileKind = {
  ...simpleKind({
    section: 'roles',
    noun: 'role',
    idMember: 'name',
    deleted: 'after',
    operations: operations.roles,
    defaults: { description: '' },
    sets: ['scopes', 'grantable_scopes'],
  }),
  read: async ({ admin }) => (await admin.all(operations.roles.list())).filter(({ origin }) => origin === 'own'),
};
