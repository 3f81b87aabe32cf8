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
import { DataTable } from '../ui/data-table.tsx';
import { CheckboxField, TextField } from '../ui/fields.tsx';

export function RolesPage() {
  return (
    <EditableListPage<Role>
      title="Roles"
      description="What people can do who sign in at the identity provider. The server's POSTERN_SIGN_IN_ROLES says who gets which role."
      noun="role"
      nameOf={({ name }) => name}
      scopes="role"
      isEditable={({ origin }) => origin === 'own'}
      dialog={(role, onClose) => <RoleDialog role={role} onClose={onClose} />}
      deletion={(role) => ({
        operation: ifUnchanged(operations.roles.delete(role.name), role),
        consequences: <p>People who have it can do nothing any more, at once.</p>,
      })}
    >
      {(buttons) => (
        <ReadAll list={operations.roles.list()}>
          {(all) => (
            <DataTable
              caption="Roles"
              keyOf={({ name }) => name}
              rows={all}
              empty={null}
              columns={[
                { title: 'Role', cell: ({ name }) => <code>{name}</code> },
                { title: 'For', cell: ({ description }) => description },
                { title: 'Scopes', end: true, cell: ({ scopes }) => scopes.length },
                {
                  title: 'May assign',
                  cell: ({ grantable_scopes }) =>
                    grantable_scopes === null ? 'the default' : grantable_scopes.join(', ') || 'none',
                },
                {
                  title: 'Kind',
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
        description="One in each line. Empty: the default, which follows from the scopes of the role."
      />
      <CheckboxField label="They may assign no scope at all" {...field('grantsNothing')} />
    </FormDialog>
  );
}
