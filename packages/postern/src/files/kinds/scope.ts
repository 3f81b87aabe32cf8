/** Scopes in files: those of the installation, not the built-in ones. */
import { operations, type ScopeBody } from '@postern/admin';
import type { FileKind } from './file-kind.ts';
import { simpleKind } from './simple-kind.ts';

export const scopeKind: FileKind = {
  ...simpleKind({
    section: 'scopes',
    noun: 'scope',
    idMember: 'name',
    deleted: 'after',
    operations: { ...operations.scopes, save: (scope: ScopeBody) => operations.scopes.save([scope]) },
  }),
  read: async ({ admin }) => (await admin.all(operations.scopes.list())).filter(({ origin }) => origin === 'own'),
};
