/** Scopes in files: those of the installation, not the built-in ones. */
import type { Scope } from '@postern/server/admin-contract';
import type { FileKind } from './file-kind.ts';
import { simpleKind } from './simple-kind.ts';

const url = '/api/v1/oauth/scope';

export const scopeKind: FileKind = {
  ...simpleKind({ section: 'scopes', noun: 'scope', idMember: 'name', deleted: 'after', url }),
  read: async (api) => (await api.get<Scope[]>(url, { view: 'full' })).filter(({ origin }) => origin === 'own'),
};
