/** Resources: the APIs that tokens can be for. RFC 8707. */
import { ifUnchanged, operations, type Resource } from '@postern/admin';
import { ScopeList } from '../scopes/scope-list.tsx';
import { ScopePicker } from '../scopes/scope-picker.tsx';
import { ReadAll } from '../session/read.tsx';
import { useEdit } from '../session/use-admin.ts';
import { EditableListPage } from '../shapes/editable-list-page.tsx';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { TwoLines } from '../ui/data-table.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { Empty } from '../ui/loaded.tsx';
import { SortableTable } from '../ui/sortable-table.tsx';
import { formatDuration } from '../ui/time.tsx';

export function ResourcesPage() {
  return (
    <EditableListPage<Resource>
      title="Resources"
      description="APIs with an identifier of their own. A token for one of them is invalid for all others."
      noun="resource"
      nameOf={({ key }) => key}
      scopes="resource"
      dialog={(resource, onClose) => <ResourceDialog resource={resource} onClose={onClose} />}
      deletion={(resource) => ({
        operation: ifUnchanged(operations.resources.delete(resource.key), resource),
        consequences: (
          <ul className="consequences">
            <li>
              No more tokens are issued for <code>{resource.identifier}</code>. Requests for it are rejected.
            </li>
            <li>The API keeps accepting tokens that were issued before, until they expire.</li>
          </ul>
        ),
      })}
    >
      {(buttons, createFirst) => (
        <ReadAll list={operations.resources.list()}>
          {(resources) => (
            <SortableTable
              caption="Resources"
              keyOf={({ key }) => key}
              rows={resources}
              empty={
                <Empty title="No resources yet">
                  Without resources, the audience of every token is the issuer, and every API that trusts the issuer
                  accepts it.
                  {createFirst}
                </Empty>
              }
              columns={[
                {
                  title: 'Resource',
                  sortsBy: 'key',
                  cell: ({ key, identifier }) => (
                    <TwoLines first={<strong>{key}</strong>} second={<code className="breakable">{identifier}</code>} />
                  ),
                },
                { title: 'Scopes', sortsBy: '-scopes', cell: ({ scopes }) => <ScopeList scopes={scopes} /> },
                {
                  title: 'Tokens',
                  sortsBy: 'access_token_ttl_seconds',
                  cell: (resource) => (
                    <TwoLines first={lifetimeLabel(resource)} second={resource.signing_alg ?? 'default algorithm'} />
                  ),
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

function lifetimeLabel({ access_token_ttl_seconds: seconds }: Resource): string {
  return seconds === undefined || seconds === null ? 'default lifetime' : formatDuration(seconds);
}

interface ResourceDialogProps {
  /** Undefined: a new one. */
  readonly resource: Resource | undefined;
  readonly onClose: () => void;
}

function ResourceDialog({ resource, onClose }: ResourceDialogProps) {
  const { values, field } = useForm({
    key: resource?.key ?? '',
    identifier: resource?.identifier ?? '',
    scopes: new Set(resource?.scopes) as ReadonlySet<string>,
    seconds: String(resource?.access_token_ttl_seconds ?? ''),
    alg: (resource?.signing_alg ?? '') as NonNullable<Resource['signing_alg']> | '',
    typ: resource?.access_token_typ ?? ('at+jwt' as const),
    clients: (resource?.introspection_clients ?? []).join('\n'),
  });
  const { key, identifier, scopes, seconds, alg, typ, clients } = values;
  const save = useEdit(
    resource,
    () => operations.resources.get(key),
    (admin, guarded) => {
      const body = {
        key,
        identifier,
        scopes: [...scopes],
        access_token_ttl_seconds: seconds === '' ? null : Number(seconds),
        signing_alg: alg === '' ? null : alg,
        access_token_typ: typ,
        introspection_clients: clients.split(/\s+/).filter((id) => id !== ''),
      };
      return admin.send(guarded(operations.resources.save(body)));
    },
    { notice: `Resource ${key} saved`, onDone: onClose },
  );
  return (
    <FormDialog
      title={resource === undefined ? 'New resource' : `Edit ${resource.key}`}
      call={save}
      action="Save resource"
      onClose={onClose}
      wide
    >
      <div className="form-columns">
        <TextField
          label="Key"
          {...field('key')}
          isRequired
          isReadOnly={resource !== undefined}
          mono
          placeholder="billing"
          description="A short name that identifies it in this console and in the API."
        />
        <TextField
          label="Identifier"
          {...field('identifier')}
          isRequired
          mono
          placeholder="https://billing.example.com"
          description="The audience of its tokens."
        />
      </div>
      <ScopePicker label="Scopes that its tokens may have" {...field('scopes')} />
      <div className="form-columns">
        <TextField
          label="Token lifetime, in seconds"
          {...field('seconds')}
          inputMode="numeric"
          pattern="[0-9]*"
          placeholder="that of the client, or the default"
        />
        <SelectField
          label="Signing algorithm"
          {...field('alg')}
          options={[{ value: '', label: 'The server’s default' }, 'ES256', 'EdDSA', 'RS256', 'PS256']}
        />
      </div>
      <SelectField
        label="Token type"
        {...field('typ')}
        options={[
          { value: 'at+jwt', label: 'at+jwt: only access tokens have it' },
          { value: 'JWT', label: 'JWT: for an API that accepts no other type, though any JWT can have it' },
        ]}
      />
      <TextField
        label="Clients that may introspect its tokens"
        {...field('clients')}
        rows={2}
        mono
        description="Their client IDs, one per line."
      />
    </FormDialog>
  );
}
