/** Formats for people what an import creates and what it leaves out. */
import { formatTable } from '../output/table.ts';
import type { ImportPlan } from './plan-import.ts';

export function formatImport({ clients, skipped, newScopes, lostScopes }: ImportPlan): string {
  const parts = [
    clients.length === 0
      ? 'There are no clients to import.\n'
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
        ['not imported', 'reason'],
        skipped.map(({ client_id, reason }) => [client_id, reason]),
      ),
    );
  }
  if (newScopes.length > 0) {
    parts.push(`Scopes that are created: ${newScopes.join(' ')}\n`);
  }
  if (lostScopes.length > 0) {
    const hint = newScopes.length === 0 ? ' Create them by --register-scopes.' : '';
    parts.push(`Scopes that Postern does not have: ${lostScopes.join(' ')}.${hint}\n`);
  }
  if (clients.some(({ lost_roles: roles }) => roles.length > 0)) {
    parts.push('Postern has no roles: assign the scopes of their roles to the clients that still need them.\n');
  }
  return `${parts.join('\n')}\n`;
}
