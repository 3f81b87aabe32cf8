/** What an import brings and what it leaves behind, as people read it. */
import { formatTable } from '../output/table.ts';
import type { ImportPlan } from './plan-import.ts';

export function formatImport({ clients, skipped, newScopes, lostScopes }: ImportPlan): string {
  const parts = [
    clients.length === 0
      ? 'There are no clients to take over.\n'
      : formatTable(
          ['client', 'name', 'scopes', 'scopes lost', 'roles lost'],
          clients.map((client) => [
            client.client_id,
            client.name,
            client.scopes.length,
            client.lost_scopes.length,
            client.lost_roles,
          ]),
        ),
  ];
  if (skipped.length > 0) {
    parts.push(
      formatTable(
        ['left behind', 'because'],
        skipped.map(({ client_id, reason }) => [client_id, reason]),
      ),
    );
  }
  if (newScopes.length > 0) {
    parts.push(`Scopes that Postern gets: ${newScopes.join(' ')}\n`);
  }
  if (lostScopes.length > 0) {
    const hint = newScopes.length === 0 ? ' They come along by --register-scopes.' : '';
    parts.push(`Scopes that Postern does not have: ${lostScopes.join(' ')}.${hint}\n`);
  }
  if (clients.some(({ lost_roles: roles }) => roles.length > 0)) {
    parts.push('Postern has no roles: give the clients the scopes of their roles, where they still need them.\n');
  }
  return `${parts.join('\n')}\n`;
}
