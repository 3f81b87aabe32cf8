/** The list of clients. Search, order and page are in the address, so that it can be shared. */
import { type ClientQuery, operations } from '@postern/admin';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import { useScopes } from '../scopes/use-scopes.ts';
import { ReadOne } from '../session/read.tsx';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useAll } from '../session/use-admin.ts';
import { LinkButton } from '../ui/button.tsx';
import { DataTable, TwoLines } from '../ui/data-table.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { Empty } from '../ui/loaded.tsx';
import { Page } from '../ui/page.tsx';
import { firstPage, Pagination, pageSize } from '../ui/pagination.tsx';
import { Time } from '../ui/time.tsx';
import { authenticationLabel, ClientLink, EnabledBadge } from './client-labels.tsx';

/** As the columns of the table sort. */
const sorts: readonly NonNullable<ClientQuery['sort']>[] = [
  '-created_at',
  'created_at',
  'name',
  '-name',
  '-last_issued_at',
  'last_issued_at',
];

const any = { value: '', label: 'Any' };

/** By the name of the filter in the address of the page and in the call. */
const filters = [
  {
    name: 'enabled',
    label: 'Status',
    options: [any, { value: 'true', label: 'Enabled' }, { value: 'false', label: 'Disabled' }],
  },
  {
    name: 'authentication',
    label: 'Authenticates by',
    options: [
      any,
      { value: 'secret', label: 'Secret' },
      { value: 'private_key', label: 'Private key' },
      { value: 'certificate', label: 'Certificate' },
      { value: 'workload', label: 'Workload token' },
    ],
  },
  {
    name: 'unused_days',
    label: 'Last used',
    options: [
      any,
      { value: '1', label: 'Not for a day' },
      { value: '30', label: 'Not for 30 days' },
      { value: '90', label: 'Not for 90 days' },
    ],
  },
  {
    name: 'expires_within_days',
    label: 'Expires',
    options: [
      any,
      { value: '0', label: 'Has expired' },
      { value: '14', label: 'Within 14 days' },
      { value: '90', label: 'Within 90 days' },
    ],
  },
  {
    name: 'failing',
    label: 'Failing now',
    options: [any, { value: 'true', label: 'Yes' }, { value: 'false', label: 'No' }],
  },
] as const;

/** The filters in the address, as the server takes them; it rejects those that it does not know. */
function filterOf(params: URLSearchParams): ClientQuery {
  const names = ['search', 'scope', 'resource', ...filters.map(({ name }) => name)];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = params.get(name);
      return value === null || value === '' ? [] : [[name, value]];
    }),
  );
}

/** How long after the last keystroke a search starts, in milliseconds. */
const searchDelayMs = 250;

export function ClientsPage() {
  const [params, setParams] = useSearchParams();
  const search = params.get('search') ?? '';
  const sort = sorts.find((value) => value === params.get('sort')) ?? '-created_at';
  const cursor = params.get('cursor') ?? '';
  const place =
    cursor === '' ? firstPage : { cursor, page: Math.max(2, Number.parseInt(params.get('page') ?? '', 10) || 2) };
  const change = useCallback(
    (next: Readonly<Record<string, string>>) =>
      setParams(
        (now) =>
          new URLSearchParams(
            Object.entries({ ...Object.fromEntries(now), page: '', cursor: '', ...next }).filter(
              ([, value]) => value !== '',
            ),
          ),
        { replace: true },
      ),
    [setParams],
  );
  const session = useSession();
  const scopes = useScopes()?.map(({ name }) => name);
  const resources = useAll(operations.resources.list(), { needs: 'resource:read' }).data;
  const onSearch = useCallback((text: string) => change({ search: text }), [change]);
  return (
    <Page
      title="Clients"
      description="Programs that request tokens: services, jobs, partners, agents."
      actions={
        session.may('client:create') && (
          <LinkButton href="/create/clients" kind="primary">
            New client
          </LinkButton>
        )
      }
    >
      <Requires scope="client:read">
        <div className="toolbar">
          <SearchField search={search} onSearch={onSearch} />
          <NameFilter
            label="Has the scope"
            key={`scope ${params.get('scope')}`}
            value={params.get('scope') ?? ''}
            onApply={(scope) => change({ scope })}
            suggestions={scopes}
          />
          <NameFilter
            label="For the resource"
            key={`resource ${params.get('resource')}`}
            value={params.get('resource') ?? ''}
            onApply={(resource) => change({ resource })}
            suggestions={resources?.map(({ identifier }) => identifier)}
          />
          {filters.map(({ name, label, options }) => (
            <SelectField
              key={name}
              label={label}
              value={params.get(name) ?? ''}
              options={options}
              onChange={(value) => change({ [name]: value })}
            />
          ))}
        </div>
        <ReadOne operation={operations.clients.list({ cursor, size: pageSize, sort, ...filterOf(params) })}>
          {({ items, ...list }) => (
            <>
              <DataTable
                caption="Clients"
                keyOf={({ client_id }) => client_id}
                rows={items}
                sorting={{ value: sort, onChange: (value) => change({ sort: value }) }}
                empty={<NoClients isFiltered={Object.keys(filterOf(params)).length > 0} search={search} />}
                columns={[
                  {
                    title: 'Client',
                    sortsBy: 'name',
                    cell: (client) => (
                      <TwoLines
                        first={<ClientLink client={client} />}
                        second={client.name !== null && <code>{client.client_id}</code>}
                      />
                    ),
                  },
                  { title: 'Status', cell: ({ enabled }) => <EnabledBadge enabled={enabled} /> },
                  { title: 'Authenticates by', cell: authenticationLabel },
                  { title: 'Scopes', end: true, cell: ({ scopes }) => scopes.length },
                  {
                    title: 'Last used',
                    end: true,
                    sortsBy: '-last_issued_at',
                    cell: ({ last_issued_at }) => <Time iso={last_issued_at} />,
                  },
                  {
                    title: 'Created',
                    end: true,
                    sortsBy: '-created_at',
                    cell: ({ created_at }) => <Time iso={created_at} />,
                  },
                ]}
              />
              <Pagination
                {...list}
                noun="clients"
                place={place}
                onPlace={(next) => change(next.cursor === '' ? {} : { cursor: next.cursor, page: String(next.page) })}
              />
            </>
          )}
        </ReadOne>
      </Requires>
    </Page>
  );
}

interface NameFilterProps {
  readonly label: string;
  readonly value: string;
  readonly onApply: (name: string) => void;
  readonly suggestions: readonly string[] | undefined;
}

/** Applies on Enter, or when the field loses the focus. */
function NameFilter({ label, value, onApply, suggestions }: NameFilterProps) {
  const [text, setText] = useState(value);
  const apply = () => text.trim() !== value && onApply(text.trim());
  return (
    <TextField
      label={label}
      type="search"
      mono
      value={text}
      onChange={setText}
      onBlur={apply}
      onKeyDown={(event) => event.key === 'Enter' && apply()}
      suggestions={suggestions}
    />
  );
}

function SearchField({ search, onSearch }: { readonly search: string; readonly onSearch: (text: string) => void }) {
  const [text, setText] = useState(search);
  const asked = useRef(search);
  // The search was changed elsewhere: by a link, or by going back.
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
    <TextField label="Search" type="search" placeholder="Name, ID or description" value={text} onChange={setText} />
  );
}

interface NoClientsProps {
  readonly isFiltered: boolean;
  readonly search: string;
}

function NoClients({ isFiltered, search }: NoClientsProps) {
  const session = useSession();
  const [, navigate] = useLocation();
  return !isFiltered ? (
    <Empty title="No clients yet">
      A client has an ID, a secret, and the scopes that it needs. The root client is not listed.
      {session.may('client:create') && <LinkButton href="/create/clients">Create the first client</LinkButton>}
    </Empty>
  ) : (
    <Empty title={search === '' ? 'No such client' : `No client has “${search}” in its name, ID or description`}>
      <button type="button" className="link" onClick={() => navigate('/clients')}>
        Show all clients
      </button>
    </Empty>
  );
}
