/** The roles that people can have: built-in ones, and those that users added. */
import { ifUnchanged, operations, type Role } from '@postern/admin';
import { useState } from 'react';
import { ScopePicker } from '../scopes/scope-picker.tsx';
import { ReadAll } from '../session/read.tsx';
import { useEdit } from '../session/use-admin.ts';
import { EditableListPage } from '../shapes/editable-list-page.tsx';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { listOrNull, toLines, toList } from '../shapes/lines.ts';
import { Badge } from '../ui/badge.tsx';
import { CheckboxField, TextField } from '../ui/fields.tsx';
import { SortableTable } from '../ui/sortable-table.tsx';

export function RolesPage() {
  return (
    <EditableListPage<Role>
      title="Roles"
      description="What people who sign in at the identity provider can do. The server's POSTERN_SIGN_IN_ROLES says who gets which role."
      noun="role"
      nameOf={({ name }) => name}
      scopes="role"
      isEditable={({ origin }) => origin === 'own'}
      dialog={(role, onClose) => <RoleDialog role={role} onClose={onClose} />}
      deletion={(role) => ({
        operation: ifUnchanged(operations.roles.delete(role.name), role),
        consequences: <p>People with this role lose all access immediately.</p>,
      })}
    >
      {(buttons) => (
        <ReadAll list={operations.roles.list()}>
          {(all) => (
            <SortableTable
              caption="Roles"
              keyOf={({ name }) => name}
              rows={all}
              empty={null}
              columns={[
                { title: 'Role', sortsBy: 'name', cell: ({ name }) => <code>{name}</code> },
                { title: 'Description', sortsBy: 'description', cell: ({ description }) => description },
                { title: 'Scopes', end: true, sortsBy: '-scopes', cell: ({ scopes }) => scopes.length },
                {
                  title: 'May assign',
                  cell: ({ grantable_scopes }) =>
                    grantable_scopes === null ? 'the default' : grantable_scopes.join(', ') || 'none',
                },
                {
                  title: 'Kind',
                  sortsBy: 'origin',
                  cell: ({ origin }) => (origin === 'own' ? <Badge tone="good">own</Badge> : <Badge>built in</Badge>),
                },
                buttons,
              ]}
            />
          )}
        </ReadAll>
      )}
    </EditableListPage>
  );
}

interface RoleDialogProps {
  /** Undefined: a new one. */
  readonly role: Role | undefined;
  readonly onClose: () => void;
}

function RoleDialog({ role, onClose }: RoleDialogProps) {
  const { values, field } = useForm({
    name: role?.name ?? '',
    description: role?.description ?? '',
    grantable: toLines(role?.grantable_scopes ?? []),
    grantsNothing: role?.grantable_scopes?.length === 0,
  });
  const [scopes, setScopes] = useState<ReadonlySet<string>>(new Set(role?.scopes));
  const save = useEdit(
    role,
    () => operations.roles.get(values.name),
    (admin, guarded) => {
      const { name, description, grantsNothing } = values;
      const grantable_scopes = grantsNothing ? [] : listOrNull(toList(values.grantable));
      return admin.send(guarded(operations.roles.save({ name, description, scopes: [...scopes], grantable_scopes })));
    },
    { notice: `Role ${values.name} saved`, onDone: onClose },
  );
  return (
    <FormDialog
      title={role === undefined ? 'New role' : `Edit ${role.name}`}
      call={save}
      action="Save role"
      onClose={onClose}
    >
      <TextField
        label="Name"
        {...field('name')}
        isRequired
        isReadOnly={role !== undefined}
        autoFocus={role === undefined}
        mono
        placeholder="helpdesk"
      />
      <TextField label="Description" {...field('description')} placeholder="Answers questions of clients" />
      <ScopePicker label="Scopes" value={scopes} onChange={setScopes} />
      <TextField
        label="Scopes that they may assign to clients"
        {...field('grantable')}
        mono
        rows={3}
        description="One per line. If empty: the default, which follows from the scopes of the role."
      />
      <CheckboxField label="They may assign no scope at all" {...field('grantsNothing')} />
    </FormDialog>
  );
}
