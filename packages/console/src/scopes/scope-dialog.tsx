/** The dialog to create a scope, or to change its description. */
import { operations, type Scope } from '@postern/admin';
import { useEdit } from '../session/use-admin.ts';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { TextField } from '../ui/fields.tsx';

interface ScopeDialogProps {
  /** Undefined: a new one. */
  readonly scope: Scope | undefined;
  readonly onClose: () => void;
}

export function ScopeDialog({ scope, onClose }: ScopeDialogProps) {
  const { values, field } = useForm({ name: scope?.name ?? '', description: scope?.description ?? '' });
  const save = useEdit(
    scope,
    () => operations.scopes.get(values.name),
    (admin, guarded) => admin.send(guarded(operations.scopes.save([values]))),
    { notice: `Scope ${values.name} saved`, onDone: onClose },
  );
  return (
    <FormDialog
      title={scope === undefined ? 'New scope' : `Edit ${scope.name}`}
      call={save}
      action="Save scope"
      onClose={onClose}
    >
      <TextField
        label="Name"
        {...field('name')}
        isRequired
        isReadOnly={scope !== undefined}
        autoFocus={scope === undefined}
        mono
        placeholder="invoice:read"
        description="Scopes are grouped by the part before the colon, by convention the kind of thing that they are about."
      />
      <TextField label="Description" {...field('description')} isRequired placeholder="List and read invoices" />
    </FormDialog>
  );
}
