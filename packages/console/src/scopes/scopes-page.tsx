/** The scopes: built-in ones, and those that users added. */
import { ifUnchanged, operations, type Scope } from '@postern/admin';
import { type ReactNode, useState } from 'react';
import { ReadAll } from '../session/read.tsx';
import { EditableListPage } from '../shapes/editable-list-page.tsx';
import { Badge } from '../ui/badge.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { Empty } from '../ui/loaded.tsx';
import { SortableTable } from '../ui/sortable-table.tsx';
import { ScopeDialog } from './scope-dialog.tsx';
import { groupScopes, searchScopes } from './scope-groups.ts';

export function ScopesPage() {
  const [search, setSearch] = useState('');
  const [kind, setKind] = useState('');
  const show = (all: readonly Scope[]) =>
    groupScopes(searchScopes(all, search).filter((scope) => isOfKind(scope, kind))).flatMap(({ scopes }) => scopes);
  return (
    <EditableListPage<Scope>
      title="Scopes"
      description="What clients can be allowed to do. A token has scopes, and an API requires one for each call."
      noun="scope"
      nameOf={({ name }) => name}
      scopes="scope"
      isEditable={({ origin }) => origin === 'own'}
      dialog={(scope, onClose) => <ScopeDialog scope={scope} onClose={onClose} />}
      deletion={(scope) => ({
        operation: ifUnchanged(operations.scopes.delete(scope.name), scope),
        consequences: (
          <p>It can no longer be assigned to clients. A scope that a client or a resource has cannot be deleted.</p>
        ),
      })}
    >
      {(buttons, createFirst) => (
        <>
          <div className="toolbar">
            <TextField
              label="Search"
              type="search"
              placeholder="Name or description"
              value={search}
              onChange={setSearch}
            />
            <SelectField label="Kind" value={kind} onChange={setKind} options={kinds} />
          </div>
          <ReadAll list={operations.scopes.list()}>
            {(all) => {
              const isFiltered = search !== '' || kind !== '';
              const [own, builtIn] = [true, false].map((isOwn) =>
                show(all).filter(({ origin }) => (origin === 'own') === isOwn),
              ) as [Scope[], Scope[]];
              const table = (caption: string, rows: readonly Scope[], empty: ReactNode) => (
                <SortableTable
                  caption={caption}
                  keyOf={({ name }) => name}
                  rows={rows}
                  empty={empty}
                  columns={[
                    { title: 'Scope', sortsBy: 'name', cell: ({ name }) => <code>{name}</code> },
                    { title: 'Allows', sortsBy: 'description', cell: ({ description }) => description },
                    { title: 'Kind', sortsBy: 'administrative', cell: (scope) => <KindBadge scope={scope} /> },
                    buttons,
                  ]}
                />
              );
              return isFiltered && kind !== 'own' ? (
                table('Scopes', [...own, ...builtIn], <Empty title="No matching scopes" />)
              ) : (
                <>
                  {table(
                    'Own scopes',
                    own,
                    <Empty title={isFiltered && search !== '' ? 'No matching scopes' : 'No scopes of your own yet'}>
                      What your APIs let clients do, such as invoice:read.
                      {search === '' && createFirst}
                    </Empty>,
                  )}
                  {!isFiltered && (
                    <details>
                      <summary>{builtIn.length} built-in scopes, for the APIs of Postern</summary>
                      {table('Built-in scopes', builtIn, null)}
                    </details>
                  )}
                </>
              );
            }}
          </ReadAll>
        </>
      )}
    </EditableListPage>
  );
}

const kinds = [
  { value: '', label: 'All' },
  { value: 'own', label: 'Own' },
  { value: 'administrative', label: 'Administers Postern' },
];

function isOfKind({ origin, administrative }: Scope, kind: string): boolean {
  return kind === '' || (kind === 'own' ? origin === 'own' : administrative);
}

function KindBadge({ scope: { origin, administrative } }: { readonly scope: Scope }) {
  if (origin === 'own') {
    return <Badge tone="good">own</Badge>;
  }
  return administrative ? <Badge tone="warning">administers Postern</Badge> : <Badge>built in</Badge>;
}
