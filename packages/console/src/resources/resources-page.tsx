/** Resources: the APIs that tokens can be for. RFC 8707. */

import { operations, type Resource } from '@postern/admin';
import { type FormEvent, useState } from 'react';
import { ScopeList } from '../scopes/scope-list.tsx';
import { ScopePicker } from '../scopes/scope-picker.tsx';
import { useScopes } from '../scopes/use-scopes.ts';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useAll, useChange } from '../session/use-admin.ts';
import { Button } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { ConfirmDialog, Dialog, FormActions } from '../ui/dialog.tsx';
import { SelectField, TextAreaField, TextField } from '../ui/fields.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { ErrorNote } from '../ui/note.tsx';
import { useNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { formatDuration } from '../ui/time.tsx';

export function ResourcesPage() {
  const session = useSession();
  const [edited, setEdited] = useState<Resource | 'new'>();
  const [removed, setRemoved] = useState<Resource>();
  const resources = useAll(session.may('resource:read') ? operations.resources.list() : undefined);
  const mayWrite = session.may('resource:create_or_update');
  return (
    <Page
      title="Resources"
      description="APIs with an identifier of their own. A token for one of them is invalid for all others."
      actions={
        mayWrite && (
          <Button kind="primary" onPress={() => setEdited('new')}>
            New resource
          </Button>
        )
      }
    >
      <Requires scope="resource:read">
        <Loaded query={resources}>
          {(items) =>
            items.length === 0 ? (
              <Empty title="No resources yet">
                <p>
                  Without resources, the audience of every token is the issuer, and every API that trusts the issuer
                  accepts it.
                </p>
              </Empty>
            ) : (
              <DataTable
                caption="Resources"
                keyOf={({ key }) => key}
                rows={items}
                columns={[
                  {
                    title: 'Resource',
                    cell: ({ key, identifier }) => (
                      <div className="two-lines">
                        <strong>{key}</strong>
                        <code className="muted breakable">{identifier}</code>
                      </div>
                    ),
                  },
                  { title: 'Scopes', cell: ({ scopes }) => <ScopeList scopes={scopes} /> },
                  {
                    title: 'Tokens',
                    cell: (resource) => (
                      <div className="two-lines">
                        <span>{lifetimeLabel(resource)}</span>
                        <span className="muted">{resource.signing_alg ?? 'default algorithm'}</span>
                      </div>
                    ),
                  },
                  {
                    title: 'Actions',
                    end: true,
                    cell: (resource) => (
                      <span className="row">
                        {mayWrite && (
                          <Button small onPress={() => setEdited(resource)} aria-label={`Edit ${resource.key}`}>
                            Edit
                          </Button>
                        )}
                        {session.may('resource:delete') && (
                          <Button small onPress={() => setRemoved(resource)} aria-label={`Delete ${resource.key}`}>
                            Delete
                          </Button>
                        )}
                      </span>
                    ),
                  },
                ]}
              />
            )
          }
        </Loaded>
        <Dialog
          title={edited === 'new' || edited === undefined ? 'New resource' : `Edit ${edited.key}`}
          isOpen={edited !== undefined}
          onClose={() => setEdited(undefined)}
          wide
        >
          <ResourceForm resource={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />
        </Dialog>
        <DeleteResource resource={removed} onClose={() => setRemoved(undefined)} />
      </Requires>
    </Page>
  );
}

function lifetimeLabel({ access_token_ttl_seconds: seconds }: Resource): string {
  return seconds === undefined || seconds === null ? 'default lifetime' : formatDuration(seconds);
}

const algorithms = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const;

function ResourceForm({
  resource,
  onClose,
}: {
  readonly resource: Resource | undefined;
  readonly onClose: () => void;
}) {
  const notify = useNotice();
  const scopes = useScopes();
  const [key, setKey] = useState(resource?.key ?? '');
  const [identifier, setIdentifier] = useState(resource?.identifier ?? '');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(resource?.scopes));
  const [seconds, setSeconds] = useState(String(resource?.access_token_ttl_seconds ?? ''));
  const [alg, setAlg] = useState<(typeof algorithms)[number] | ''>(resource?.signing_alg ?? '');
  const [clients, setClients] = useState((resource?.introspection_clients ?? []).join('\n'));
  const save = useChange((admin, body: Resource) => admin.resources.save(body));

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const saved = await save.run({
      key,
      identifier,
      scopes: [...chosen],
      access_token_ttl_seconds: seconds === '' ? null : Number(seconds),
      signing_alg: alg === '' ? null : alg,
      introspection_clients: clients.split(/\s+/).filter((id) => id !== ''),
    });
    if (saved !== undefined) {
      notify(`Resource ${key} saved`);
      onClose();
    }
  };
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <div className="form-columns">
        <TextField
          label="Key"
          value={key}
          onChange={setKey}
          isRequired
          isReadOnly={resource !== undefined}
          mono
          placeholder="billing"
          description="A short name that identifies it in this console and in the API."
        />
        <TextField
          label="Identifier"
          value={identifier}
          onChange={setIdentifier}
          isRequired
          mono
          placeholder="https://billing.example.com"
          description="The audience of its tokens."
        />
      </div>
      <ScopePicker label="Scopes that its tokens may have" scopes={scopes ?? []} chosen={chosen} onChange={setChosen} />
      <div className="form-columns">
        <TextField
          label="Token lifetime, in seconds"
          value={seconds}
          onChange={setSeconds}
          inputMode="numeric"
          pattern="[0-9]*"
          placeholder="that of the client, or the default"
        />
        <SelectField
          label="Signing algorithm"
          value={alg}
          onChange={setAlg}
          options={[
            { value: '' as const, label: 'The server’s default' },
            ...algorithms.map((name) => ({ value: name, label: name })),
          ]}
        />
      </div>
      <TextAreaField
        label="Clients that may introspect its tokens"
        value={clients}
        onChange={setClients}
        rows={2}
        mono
        description="Their client IDs, one per line."
      />
      <ErrorNote error={save.error} />
      <FormActions action="Save resource" pending={save.pending} onCancel={onClose} />
    </form>
  );
}

function DeleteResource({
  resource,
  onClose,
}: {
  readonly resource: Resource | undefined;
  readonly onClose: () => void;
}) {
  const notify = useNotice();
  const remove = useChange((admin, key: string) => admin.resources.delete(key));
  const close = () => {
    remove.reset();
    onClose();
  };
  const confirm = async (key: string) => {
    if ((await remove.run(key)) !== undefined) {
      notify(`Resource ${key} deleted`);
      close();
    }
  };
  return (
    <ConfirmDialog
      title={`Delete the resource ${resource?.key}?`}
      isOpen={resource !== undefined}
      onClose={close}
      action="Delete resource"
      onConfirm={() => resource !== undefined && void confirm(resource.key)}
      pending={remove.pending}
      error={remove.error}
    >
      <ul className="consequences">
        <li>
          No more tokens are issued for <code>{resource?.identifier}</code>. Requests for it are rejected.
        </li>
        <li>The API keeps accepting tokens that were issued before, until they expire.</li>
      </ul>
    </ConfirmDialog>
  );
}
