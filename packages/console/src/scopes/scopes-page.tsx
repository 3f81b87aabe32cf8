/** The scopes: built-in ones, and those that users added. */

import { operations, type Scope } from '@postern/admin';
import { useState } from 'react';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useChange, useRead } from '../session/use-admin.ts';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { ConfirmDialog } from '../ui/dialog.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { useNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { ScopeDialog } from './scope-dialog.tsx';
import { groupScopes, searchScopes } from './scope-groups.ts';

export function ScopesPage() {
  const session = useSession();
  const [search, setSearch] = useState('');
  const [kind, setKind] = useState('');
  const [edited, setEdited] = useState<Scope | 'new'>();
  const [removed, setRemoved] = useState<Scope>();
  const scopes = useRead(session.may('scope:read') ? operations.scopes.list() : undefined);
  const mayWrite = session.may('scope:create_or_update');

  return (
    <Page
      title="Scopes"
      description="What clients can be allowed to do. A token has scopes, and an API requires one for each call."
      actions={
        mayWrite && (
          <Button kind="primary" onPress={() => setEdited('new')}>
            New scope
          </Button>
        )
      }
    >
      <Requires scope="scope:read">
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
        <Loaded query={scopes}>
          {(all) => {
            const found = searchScopes(all, search).filter((scope) => isOfKind(scope, kind));
            return found.length === 0 ? (
              <Empty title={kind === 'own' && search === '' ? 'No scopes of your own yet' : 'No matching scopes'} />
            ) : (
              <DataTable
                caption="Scopes"
                keyOf={({ name }) => name}
                rows={groupScopes(found).flatMap((group) => group.scopes)}
                columns={[
                  { title: 'Scope', cell: ({ name }) => <code>{name}</code> },
                  { title: 'Allows', cell: ({ description }) => description },
                  { title: 'Kind', cell: (scope) => <KindBadges scope={scope} /> },
                  {
                    title: 'Actions',
                    end: true,
                    cell: (scope) =>
                      scope.origin === 'own' && (
                        <span className="row">
                          {mayWrite && (
                            <Button small onPress={() => setEdited(scope)} aria-label={`Edit ${scope.name}`}>
                              Edit
                            </Button>
                          )}
                          {session.may('scope:delete') && (
                            <Button small onPress={() => setRemoved(scope)} aria-label={`Delete ${scope.name}`}>
                              Delete
                            </Button>
                          )}
                        </span>
                      ),
                  },
                ]}
              />
            );
          }}
        </Loaded>
        <ScopeDialog edited={edited} onClose={() => setEdited(undefined)} />
        <DeleteScope scope={removed} onClose={() => setRemoved(undefined)} />
      </Requires>
    </Page>
  );
}

const kinds = [
  { value: '', label: 'All' },
  { value: 'own', label: 'Own' },
  { value: 'administrative', label: 'Administers Postern' },
];

function isOfKind(scope: Scope, kind: string): boolean {
  switch (kind) {
    case 'own':
      return scope.origin === 'own';
    case 'administrative':
      return scope.administrative;
    default:
      return true;
  }
}

function KindBadges({ scope }: { readonly scope: Scope }) {
  if (scope.origin === 'own') {
    return <Badge tone="accent">own</Badge>;
  }
  return scope.administrative ? <Badge tone="warning">administers Postern</Badge> : <Badge>built in</Badge>;
}

function DeleteScope({ scope, onClose }: { readonly scope: Scope | undefined; readonly onClose: () => void }) {
  const notify = useNotice();
  const remove = useChange((admin, name: string) => admin.scopes.delete(name));
  const close = () => {
    remove.reset();
    onClose();
  };
  const confirm = async (name: string) => {
    if ((await remove.run(name)) !== undefined) {
      notify(`Scope ${name} deleted`);
      close();
    }
  };
  return (
    <ConfirmDialog
      title={`Delete the scope ${scope?.name}?`}
      isOpen={scope !== undefined}
      onClose={close}
      action="Delete scope"
      onConfirm={() => scope !== undefined && void confirm(scope.name)}
      pending={remove.pending}
      error={remove.error}
    >
      <p>It can no longer be assigned to clients. A scope that a client or a resource has cannot be deleted.</p>
    </ConfirmDialog>
  );
}
