/** The scopes of a client, and what it makes of them. */
import type { Client, ClientUsage } from '../api/contract.ts';
import { ScopeList } from '../scopes/scope-list.tsx';
import { useScopes } from '../scopes/use-scopes.ts';
import { useSession } from '../session/session-context.tsx';
import { useGet } from '../session/use-api.ts';
import { Badge } from '../ui/badge.tsx';
import { LinkButton } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { Facts, Section } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { clientPath } from './client-words.tsx';

export function ClientAccess({ client }: { readonly client: Client }) {
  const session = useSession();
  const usage = useGet<ClientUsage>(`oauth/client/${encodeURIComponent(client.client_id)}/usage`);
  const descriptions = new Map(useScopes()?.map(({ name, description }) => [name, description]));

  return (
    <Loaded query={usage}>
      {({ tokens_issued, last_issued_at, scopes }) => (
        <>
          <Facts
            facts={[
              ['Tokens issued', tokens_issued.toLocaleString('en')],
              ['Last token', <Time key="last" iso={last_issued_at} />],
              ['Scopes never used', scopes.filter((scope) => scope.tokens_issued === 0).length],
              ...(client.resources === undefined ? [] : [['May ask for', client.resources?.join(', ')] as const]),
            ]}
          />
          <Section
            title="Scopes"
            description="Used means that a token with it was issued. What a client never uses, it does not need."
            actions={
              session.may('client:update') && (
                <LinkButton href={`${clientPath(client.client_id)}/scopes`}>Change scopes</LinkButton>
              )
            }
          >
            {scopes.length === 0 ? (
              <Empty title="This client holds no scopes">
                <p>Its tokens say who it is, and allow nothing.</p>
              </Empty>
            ) : (
              <DataTable
                caption="Scopes and their use"
                keyOf={({ scope }) => scope}
                rows={scopes}
                columns={[
                  { title: 'Scope', cell: ({ scope }) => <code>{scope}</code> },
                  { title: 'Allows', cell: ({ scope }) => descriptions.get(scope) ?? '' },
                  { title: 'Tokens', end: true, cell: (row) => row.tokens_issued.toLocaleString('en') },
                  {
                    title: 'Last used',
                    end: true,
                    cell: (row) =>
                      row.last_issued_at === null ? (
                        <Badge tone="warning">never used</Badge>
                      ) : (
                        <Time iso={row.last_issued_at} />
                      ),
                  },
                ]}
              />
            )}
          </Section>
          {client.grantable_scopes !== null && (
            <Section title="May hand out" description="Scopes that it may give to other clients, besides its own.">
              <ScopeList scopes={client.grantable_scopes} />
            </Section>
          )}
        </>
      )}
    </Loaded>
  );
}
