/** The scopes of a client, and how much it uses them. */
import { type Client, operations } from '@postern/admin';
import { clientPath } from '../api/address.ts';
import { ScopeList } from '../scopes/scope-list.tsx';
import { useScopes } from '../scopes/use-scopes.ts';
import { ReadOne } from '../session/read.tsx';
import { useSession } from '../session/session-context.tsx';
import { Badge } from '../ui/badge.tsx';
import { LinkButton } from '../ui/button.tsx';
import { Empty } from '../ui/loaded.tsx';
import { Facts, Section } from '../ui/page.tsx';
import { SortableTable } from '../ui/sortable-table.tsx';
import { Time } from '../ui/time.tsx';
import { unusedDays } from '../usage/unused-days.ts';

export function ClientAccess({ client }: { readonly client: Client }) {
  const mayUpdate = useSession().may('client:update');
  const descriptions = new Map(useScopes()?.map(({ name, description }) => [name, description]));
  // Before that, it says nothing that a scope was not used.
  const isOldEnough = Date.now() - Date.parse(client.created_at) > unusedDays * 86_400_000;
  return (
    <ReadOne operation={operations.clients.getUsage(client.client_id)}>
      {({ tokens_issued, last_issued_at, quotas, scopes }) => (
        <>
          <Facts
            facts={[
              ['Tokens issued', tokens_issued.toLocaleString('en')],
              ['Last token', <Time key="last" iso={last_issued_at} />],
              ['Scopes not used yet', scopes.filter((scope) => scope.tokens_issued === 0).length],
              ...quotas.map(
                ({ per, most, used }) =>
                  [`Tokens this ${per}`, `${used.toLocaleString('en')} of ${most.toLocaleString('en')}`] as const,
              ),
              ...(client.resources === undefined ? [] : [['Resources', client.resources?.join(', ')] as const]),
              ...(client.default_resource === undefined
                ? []
                : [['Default resource', client.default_resource] as const]),
            ]}
          />
          <Section
            title="Scopes"
            description="A scope is used when a token with it is issued. Scopes that a client never uses can be removed."
            actions={
              mayUpdate && <LinkButton href={`${clientPath(client.client_id)}/scopes`}>Change scopes</LinkButton>
            }
          >
            <SortableTable
              caption="Scopes and their use"
              keyOf={({ scope }) => scope}
              rows={scopes}
              empty={
                <Empty title="This client has no scopes">
                  Its tokens identify it, but allow nothing.
                  {mayUpdate && <LinkButton href={`${clientPath(client.client_id)}/scopes`}>Add scopes</LinkButton>}
                </Empty>
              }
              columns={[
                { title: 'Scope', sortsBy: 'scope', cell: ({ scope }) => <code>{scope}</code> },
                { title: 'Allows', cell: ({ scope }) => descriptions.get(scope) ?? '' },
                {
                  title: 'Tokens',
                  end: true,
                  sortsBy: '-tokens_issued',
                  cell: (row) => row.tokens_issued.toLocaleString('en'),
                },
                {
                  title: 'Last used',
                  end: true,
                  sortsBy: '-last_issued_at',
                  cell: (row) =>
                    row.last_issued_at === null && isOldEnough ? (
                      <Badge tone="warning">never used</Badge>
                    ) : (
                      <Time iso={row.last_issued_at} never="not yet" />
                    ),
                },
              ]}
            />
          </Section>
          {client.grantable_scopes !== null && (
            <Section
              title="May assign"
              description="Scopes that it may assign to other clients, in addition to those of its token."
            >
              <ScopeList scopes={client.grantable_scopes} />
            </Section>
          )}
        </>
      )}
    </ReadOne>
  );
}
