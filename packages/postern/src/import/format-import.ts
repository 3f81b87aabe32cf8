/** Formats for people what an import creates and what it leaves out. */
import { formatTable } from '../output/table.ts';
import type { ImportPlan } from './plan-import.ts';

export function formatImport(plan: ImportPlan): string {
  const { clients, skipped, newScopes, newResources, lostScopes, lostAudiences } = plan;
  const parts = [
    clients.length === 0
      ? 'There are no clients to import.\n'
      : formatTable(
          ['client', 'name', 'scopes', 'scopes lost', 'audiences lost', 'roles lost', 'secret'],
          clients.map((client) => [
            client.client_id,
            client.name,
            client.scopes.length,
            client.lost_scopes.length,
            client.lost_audiences.length,
            client.lost_roles,
            client.credential === 'kept' ? 'kept' : `new: ${client.reason}`,
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
  if (newResources.length > 0) {
    parts.push(`Resources that are created: ${newResources.map(({ identifier }) => identifier).join(' ')}\n`);
  }
  if (lostScopes.length > 0) {
    const hint = newScopes.length === 0 ? ' Create them by --register-scopes.' : '';
    parts.push(`Scopes that Postern does not have: ${lostScopes.join(' ')}.${hint}\n`);
  }
  if (lostAudiences.length > 0) {
    const hint = newResources.length === 0 ? ' Create those that are URIs by --register-resources.' : '';
    parts.push(`Audiences for which Postern has no resource: ${lostAudiences.join(' ')}.${hint}\n`);
  }
  if (clients.some(({ lost_roles: roles }) => roles.length > 0)) {
    parts.push('Postern has no roles: assign the scopes of their roles to the clients that still need them.\n');
  }
  return `${parts.join('\n')}\n`;
}
