/** The types of authorization details that tokens can have. RFC 9396 §2. */
import { type AuthorizationDetailsType, ifUnchanged, operations } from '@postern/admin';
import { parseJson } from '../api/parse-json.ts';
import { ReadAll } from '../session/read.tsx';
import { useEdit } from '../session/use-admin.ts';
import { EditableListPage } from '../shapes/editable-list-page.tsx';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { TextField } from '../ui/fields.tsx';
import { Empty } from '../ui/loaded.tsx';
import { SortableTable } from '../ui/sortable-table.tsx';

export function DetailsTypesPage() {
  return (
    <EditableListPage<AuthorizationDetailsType>
      title="Types of authorization details"
      description="What tokens can allow more precisely than by a scope, such as a single payment (RFC 9396)."
      noun="type"
      nameOf={({ type }) => type}
      scopes="authorization_details_type"
      dialog={(type, onClose) => <TypeDialog type={type} onClose={onClose} />}
      deletion={(type) => ({
        operation: ifUnchanged(operations.authorizationDetailsTypes.delete(type.type), type),
        consequences: <p>No more tokens are issued with it. Tokens that have it stay valid until they expire.</p>,
      })}
    >
      {(buttons, createFirst) => (
        <ReadAll list={operations.authorizationDetailsTypes.list()}>
          {(types) => (
            <SortableTable
              caption="Types of authorization details"
              keyOf={({ type }) => type}
              rows={types}
              empty={
                <Empty title="No types yet">
                  Clients can request authorization details of the types listed here.
                  {createFirst}
                </Empty>
              }
              columns={[
                { title: 'Type', sortsBy: 'type', cell: ({ type }) => <code>{type}</code> },
                { title: 'Description', sortsBy: 'description', cell: ({ description }) => description ?? '–' },
                buttons,
              ]}
            />
          )}
        </ReadAll>
      )}
    </EditableListPage>
  );
}

interface TypeDialogProps {
  /** Undefined: a new one. */
  readonly type: AuthorizationDetailsType | undefined;
  readonly onClose: () => void;
}

function TypeDialog({ type, onClose }: TypeDialogProps) {
  const { values, field } = useForm({
    type: type?.type ?? '',
    description: type?.description ?? '',
    schema: JSON.stringify(type?.schema ?? { type: 'object', properties: {} }, null, 2),
  });
  const save = useEdit(
    type,
    () => operations.authorizationDetailsTypes.get(values.type),
    (admin, guarded) => {
      const body = {
        type: values.type,
        description: values.description === '' ? null : values.description,
        schema: parseJson('The schema', values.schema) as AuthorizationDetailsType['schema'],
      };
      return admin.send(guarded(operations.authorizationDetailsTypes.save(body)));
    },
    { notice: `Type ${values.type} saved`, onDone: onClose },
  );
  return (
    <FormDialog
      title={type === undefined ? 'New type' : `Edit ${type.type}`}
      call={save}
      action="Save type"
      onClose={onClose}
      wide
    >
      {type === undefined && (
        <TextField label="Type" {...field('type')} isRequired autoFocus mono placeholder="payment_initiation" />
      )}
      <TextField label="Description" {...field('description')} maxLength={1_000} />
      <TextField
        label="JSON Schema of one element"
        {...field('schema')}
        isRequired
        mono
        rows={10}
        description="Elements that a client requests must match it."
      />
    </FormDialog>
  );
}
