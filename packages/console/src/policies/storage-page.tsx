/** Storage destinations: where access rules export data to. */
import { ifUnchanged, operations, requireWritten, type StorageConfig } from '@postern/admin';
import { ReadAll } from '../session/read.tsx';
import { useEdit } from '../session/use-admin.ts';
import { EditableListPage } from '../shapes/editable-list-page.tsx';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { TwoLines } from '../ui/data-table.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { Empty } from '../ui/loaded.tsx';
import { SortableTable } from '../ui/sortable-table.tsx';

export function StoragePage() {
  return (
    <EditableListPage<StorageConfig>
      title="Storage"
      description="Destinations for the data that access rules export. Credentials are not stored here."
      noun="destination"
      nameOf={({ name }) => name}
      scopes="storage"
      dialog={(config, onClose) => <StorageDialog config={config} onClose={onClose} />}
      deletion={(config) => ({
        operation: ifUnchanged(operations.storage.delete(config.key), config),
        consequences: <p>A destination that a rule uses cannot be deleted.</p>,
      })}
    >
      {(buttons, createFirst) => (
        <ReadAll list={operations.storage.list()}>
          {(configs) => (
            <SortableTable
              caption="Storage destinations"
              keyOf={({ key }) => key}
              rows={configs}
              empty={<Empty title="No storage destinations yet">Every access rule needs one. {createFirst}</Empty>}
              columns={[
                {
                  title: 'Destination',
                  sortsBy: 'name',
                  cell: ({ key, name }) => <TwoLines first={<strong>{name}</strong>} second={<code>{key}</code>} />,
                },
                { title: 'Type', sortsBy: 'type', cell: ({ type }) => type },
                { title: 'Format', sortsBy: 'format', cell: ({ format }) => format },
                { title: 'Bucket', cell: ({ details }) => details.bucket ?? <span className="muted">–</span> },
                buttons,
              ]}
            />
          )}
        </ReadAll>
      )}
    </EditableListPage>
  );
}

interface StorageDialogProps {
  /** Undefined: a new one. */
  readonly config: StorageConfig | undefined;
  readonly onClose: () => void;
}

function StorageDialog({ config, onClose }: StorageDialogProps) {
  const { values, field } = useForm({
    name: config?.name ?? '',
    type: config?.type ?? 'local',
    format: config?.format ?? 'json',
    bucket: config?.details.bucket ?? '',
  });
  const { bucket, ...element } = values;
  const save = useEdit(
    config,
    () => operations.storage.get(config?.key ?? ''),
    async (admin, guarded) => {
      const details = element.type === 's3' ? { ...config?.details, bucket } : {};
      const key = config !== undefined && { key: config.key };
      return requireWritten(await admin.send(guarded(operations.storage.save([{ ...key, ...element, details }]))));
    },
    { notice: `Destination ${values.name} saved`, onDone: onClose },
  );
  return (
    <FormDialog
      title={config === undefined ? 'New destination' : `Edit ${config.name}`}
      call={save}
      action="Save destination"
      onClose={onClose}
    >
      <TextField label="Name" {...field('name')} isRequired autoFocus />
      <SelectField
        label="Type"
        {...field('type')}
        options={[
          { value: 'local', label: 'local: files of the privacy application' },
          { value: 's3', label: 's3: a bucket' },
        ]}
      />
      {values.type === 's3' && <TextField label="Bucket" {...field('bucket')} isRequired mono />}
      <SelectField label="Format" {...field('format')} options={['json', 'csv']} />
    </FormDialog>
  );
}
