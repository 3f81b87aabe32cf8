/** Storage destinations: where access rules export data to. */

import { operations, requireWritten, type StorageConfig, type StorageElement } from '@postern/admin';
import { type FormEvent, useState } from 'react';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useAll, useChange } from '../session/use-admin.ts';
import { Button } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { ConfirmDialog, Dialog, FormActions } from '../ui/dialog.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { ErrorNote } from '../ui/note.tsx';
import { useNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';

export function StoragePage() {
  const session = useSession();
  const [edited, setEdited] = useState<StorageConfig | 'new'>();
  const [removed, setRemoved] = useState<StorageConfig>();
  const configs = useAll(session.may('storage:read') ? operations.storage.list() : undefined);
  const mayWrite = session.may('storage:create_or_update');
  return (
    <Page
      title="Storage"
      description="Destinations for the data that access rules export. Credentials are not stored here."
      actions={
        mayWrite && (
          <Button kind="primary" onPress={() => setEdited('new')}>
            New destination
          </Button>
        )
      }
    >
      <Requires scope="storage:read">
        <Loaded query={configs}>
          {(items) =>
            items.length === 0 ? (
              <Empty title="No storage destinations yet">
                <p>Every access rule needs one.</p>
              </Empty>
            ) : (
              <DataTable
                caption="Storage destinations"
                keyOf={({ key }) => key}
                rows={items}
                columns={[
                  {
                    title: 'Destination',
                    cell: ({ key, name }) => (
                      <div className="two-lines">
                        <strong>{name}</strong>
                        <code className="muted">{key}</code>
                      </div>
                    ),
                  },
                  { title: 'Type', cell: ({ type }) => type },
                  { title: 'Format', cell: ({ format }) => format },
                  { title: 'Bucket', cell: ({ details }) => details.bucket ?? <span className="muted">–</span> },
                  {
                    title: 'Actions',
                    end: true,
                    cell: (config) => (
                      <span className="row">
                        {mayWrite && (
                          <Button small onPress={() => setEdited(config)} aria-label={`Edit ${config.name}`}>
                            Edit
                          </Button>
                        )}
                        {session.may('storage:delete') && (
                          <Button small onPress={() => setRemoved(config)} aria-label={`Delete ${config.name}`}>
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
          title={edited === 'new' || edited === undefined ? 'New destination' : `Edit ${edited.name}`}
          isOpen={edited !== undefined}
          onClose={() => setEdited(undefined)}
        >
          <StorageForm config={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />
        </Dialog>
        <DeleteStorage config={removed} onClose={() => setRemoved(undefined)} />
      </Requires>
    </Page>
  );
}

function StorageForm({
  config,
  onClose,
}: {
  readonly config: StorageConfig | undefined;
  readonly onClose: () => void;
}) {
  const notify = useNotice();
  const [name, setName] = useState(config?.name ?? '');
  const [type, setType] = useState(config?.type ?? 'local');
  const [format, setFormat] = useState(config?.format ?? 'json');
  const [bucket, setBucket] = useState(config?.details.bucket ?? '');
  const save = useChange(async (admin, element: StorageElement) => requireWritten(await admin.storage.save([element])));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const details = type === 's3' ? { ...config?.details, bucket } : {};
    const saved = await save.run({ ...(config !== undefined && { key: config.key }), name, type, format, details });
    if (saved !== undefined) {
      notify(`Destination ${name} saved`);
      onClose();
    }
  };
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <TextField label="Name" value={name} onChange={setName} isRequired autoFocus />
      <SelectField
        label="Type"
        value={type}
        onChange={setType}
        options={[
          { value: 'local', label: 'local: files of the privacy application' },
          { value: 's3', label: 's3: a bucket' },
        ]}
      />
      {type === 's3' && <TextField label="Bucket" value={bucket} onChange={setBucket} isRequired mono />}
      <SelectField
        label="Format"
        value={format}
        onChange={setFormat}
        options={[
          { value: 'json', label: 'json' },
          { value: 'csv', label: 'csv' },
        ]}
      />
      <ErrorNote error={save.error} />
      <FormActions action="Save destination" pending={save.pending} onCancel={onClose} />
    </form>
  );
}

function DeleteStorage({
  config,
  onClose,
}: {
  readonly config: StorageConfig | undefined;
  readonly onClose: () => void;
}) {
  const notify = useNotice();
  const remove = useChange((admin, key: string) => admin.storage.delete(key));
  const close = () => {
    remove.reset();
    onClose();
  };
  const confirm = async (key: string) => {
    if ((await remove.run(key)) !== undefined) {
      notify(`Destination ${key} deleted`);
      close();
    }
  };
  return (
    <ConfirmDialog
      title={`Delete the destination ${config?.name}?`}
      isOpen={config !== undefined}
      onClose={close}
      action="Delete destination"
      onConfirm={() => config !== undefined && void confirm(config.key)}
      pending={remove.pending}
      error={remove.error}
    >
      <p>A destination that a rule uses cannot be deleted.</p>
    </ConfirmDialog>
  );
}
