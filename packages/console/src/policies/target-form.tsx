/** Adding a target to a rule: a data category of the Fides taxonomy, with all that is below it. */
import { type FormEvent, useState } from 'react';
import type { Target } from '../api/contract.ts';
import { useChange } from '../session/use-api.ts';
import { FormActions } from '../ui/dialog.tsx';
import { TextField } from '../ui/fields.tsx';
import { ErrorNote } from '../ui/note.tsx';
import { useNotice } from '../ui/notice.tsx';
import { putOne } from './put-one.ts';

interface TargetFormProps {
  /** Of the targets of the rule. */
  readonly path: string;
  readonly onClose: () => void;
}

/** The upper ones of the taxonomy; any of it can be written. */
const categories = [
  'system',
  'user',
  'user.account',
  'user.authorization',
  'user.behavior',
  'user.biometric',
  'user.contact',
  'user.contact.address',
  'user.contact.email',
  'user.contact.phone_number',
  'user.demographic',
  'user.device',
  'user.financial',
  'user.location',
  'user.name',
  'user.unique_id',
];

export function TargetForm({ path, onClose }: TargetFormProps) {
  const notify = useNotice();
  const [category, setCategory] = useState('');
  const save = useChange((api, element: object) => putOne<Target>(api, path, element));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if ((await save.run({ data_category: category })) !== undefined) {
      notify(`Target ${category} added`);
      onClose();
    }
  };
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <TextField
        label="Data category"
        value={category}
        onChange={setCategory}
        isRequired
        autoFocus
        mono
        placeholder="user.contact.email"
        suggestions={categories}
        description="A key of the Fides taxonomy; the target takes in all that is below it."
      />
      <ErrorNote error={save.error} />
      <FormActions action="Add target" pending={save.pending} onCancel={onClose} />
    </form>
  );
}
