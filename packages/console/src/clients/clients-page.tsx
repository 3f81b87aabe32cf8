/** All clients, by search and page. The address holds both, so that it can be passed on. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import { withQuery } from '../api/api.ts';
import type { Client, Page as PageOf } from '../api/contract.ts';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useGet } from '../session/use-api.ts';
import { LinkButton } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { Page } from '../ui/page.tsx';
import { Pagination } from '../ui/pagination.tsx';
import { Time } from '../ui/time.tsx';
import { ClientLink, EnabledBadge, sayAuthentication } from './client-words.tsx';

const sorts = [
  { value: '-created_at', label: 'Newest first' },
  { value: 'created_at', label: 'Oldest first' },
  { value: 'name', label: 'Name, A to Z' },
  { value: '-name', label: 'Name, Z to A' },
];

/** How long after the last key a search begins, in ms. */
const searchDelayMs = 250;

export function ClientsPage() {
  const session = useSession();
  const [params, setParams] = useSearchParams();
  const search = params.get('search') ?? '';
  const sort = params.get('sort') ?? '-created_at';
  const page = Math.max(1, Number.parseInt(params.get('page') ?? '1', 10) || 1);
  const clients = useGet<PageOf<Client>>(
    session.may('client:read') ? withQuery('oauth/client', { page, size: 25, search, sort }) : undefined,
  );
  const change = useCallback(
    (next: Readonly<Record<string, string>>) =>
      setParams(
        (now) =>
          new URLSearchParams(
            Object.entries({ ...Object.fromEntries(now), page: '', ...next }).filter(([, value]) => value !== ''),
          ),
        { replace: true },
      ),
    [setParams],
  );
  const onSearch = useCallback((text: string) => change({ search: text }), [change]);

  return (
    <Page
      title="Clients"
      description="Programs that get tokens: services, jobs, partners, agents."
      actions={
        session.may('client:create') && (
          <LinkButton href="/clients/new" kind="primary">
            New client
          </LinkButton>
        )
      }
    >
      <Requires scope="client:read">
        <div className="toolbar">
          <SearchField search={search} onSearch={onSearch} />
          <SelectField label="Sort" value={sort} options={sorts} onChange={(value) => change({ sort: value })} />
        </div>
        <Loaded query={clients}>
          {({ items, ...list }) =>
            items.length === 0 ? (
              <NoClients search={search} />
            ) : (
              <>
                <DataTable
                  caption="Clients"
                  keyOf={({ client_id }) => client_id}
                  rows={items}
                  columns={[
                    {
                      title: 'Client',
                      cell: (client) => (
                        <div className="two-lines">
                          <ClientLink client={client} />
                          {client.name !== null && <code className="muted">{client.client_id}</code>}
                        </div>
                      ),
                    },
                    { title: 'Status', cell: ({ enabled }) => <EnabledBadge enabled={enabled} /> },
                    { title: 'Authenticates by', cell: sayAuthentication },
                    { title: 'Scopes', end: true, cell: ({ scopes }) => scopes.length },
                    { title: 'Made', end: true, cell: ({ created_at }) => <Time iso={created_at} /> },
                  ]}
                />
                <Pagination {...list} noun="clients" onPage={(next) => change({ page: String(next) })} />
              </>
            )
          }
        </Loaded>
      </Requires>
    </Page>
  );
}

function SearchField({ search, onSearch }: { readonly search: string; readonly onSearch: (text: string) => void }) {
  const [text, setText] = useState(search);
  const asked = useRef(search);
  // What is searched for changed elsewhere: by a link, or the browser's Back.
  useEffect(() => {
    if (search !== asked.current) {
      asked.current = search;
      setText(search);
    }
  }, [search]);
  useEffect(() => {
    if (text === asked.current) {
      return;
    }
    const timer = window.setTimeout(() => {
      asked.current = text;
      onSearch(text);
    }, searchDelayMs);
    return () => window.clearTimeout(timer);
  }, [text, onSearch]);
  return (
    <TextField label="Search" type="search" placeholder="Name, id or description" value={text} onChange={setText} />
  );
}

function NoClients({ search }: { readonly search: string }) {
  const session = useSession();
  const [, navigate] = useLocation();
  return search === '' ? (
    <Empty title="No clients yet">
      <p>A client has an id, a secret, and just the scopes that it needs. The root client is not listed here.</p>
      {session.may('client:create') && <LinkButton href="/clients/new">Make the first client</LinkButton>}
    </Empty>
  ) : (
    <Empty title={`No client has “${search}” in its name, id or description`}>
      <button type="button" className="link" onClick={() => navigate('/clients')}>
        Show all clients
      </button>
    </Empty>
  );
}
