/** The dialog to create a scope, or to change its description. */

import type { Scope, ScopeBody } from '@postern/admin';
import { type FormEvent, useState } from 'react';
import { useChange } from '../session/use-admin.ts';
import { Dialog, FormActions } from '../ui/dialog.tsx';
import { TextField } from '../ui/fields.tsx';
import { ErrorNote } from '../ui/note.tsx';
import { useNotice } from '../ui/notice.tsx';

interface ScopeDialogProps {
  /** Undefined: the dialog is closed. */
  readonly edited: Scope | 'new' | undefined;
  readonly onClose: () => void;
}

export function ScopeDialog({ edited, onClose }: ScopeDialogProps) {
  return (
    <Dialog
      title={edited === 'new' ? 'New scope' : `Edit ${edited?.name}`}
      isOpen={edited !== undefined}
      onClose={onClose}
    >
      <ScopeForm scope={edited === 'new' ? undefined : edited} onClose={onClose} />
    </Dialog>
  );
}

function ScopeForm({ scope, onClose }: { readonly scope: Scope | undefined; readonly onClose: () => void }) {
  const [name, setName] = useState(scope?.name ?? '');
  const [description, setDescription] = useState(scope?.description ?? '');
  const notify = useNotice();
  const save = useChange((admin, body: ScopeBody) => admin.scopes.save([body]));

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if ((await save.run({ name, description })) !== undefined) {
      notify(`Scope ${name} saved`);
      onClose();
    }
  };
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <TextField
        label="Name"
        value={name}
        onChange={setName}
        isRequired
        isReadOnly={scope !== undefined}
        autoFocus={scope === undefined}
        mono
        placeholder="invoice:read"
        description="Scopes are grouped by the part before the colon, by convention the kind of thing that they are about."
      />
      <TextField
        label="Description"
        value={description}
        onChange={setDescription}
        isRequired
        placeholder="List and read invoices"
      />
      <ErrorNote error={save.error} />
      <FormActions action="Save scope" pending={save.pending} onCancel={onClose} />
    </form>
  );
}
