/** The form to add a target to a rule: a data category of the Fides taxonomy, with all categories below it. */

import { requireWritten, type TargetElement } from '@postern/admin';
import { type FormEvent, useState } from 'react';
import { useChange } from '../session/use-admin.ts';
import { FormActions } from '../ui/dialog.tsx';
import { TextField } from '../ui/fields.tsx';
import { ErrorNote } from '../ui/note.tsx';
import { useNotice } from '../ui/notice.tsx';

interface TargetFormProps {
  readonly policyKey: string;
  readonly ruleKey: string;
  readonly onClose: () => void;
}

/** Suggestions: the upper categories of the taxonomy. Any other can be entered. */
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

export function TargetForm({ policyKey, ruleKey, onClose }: TargetFormProps) {
  const notify = useNotice();
  const [category, setCategory] = useState('');
  const save = useChange(async (admin, element: TargetElement) =>
    requireWritten(await admin.targets.save(policyKey, ruleKey, [element])),
  );
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
        description="A key of the Fides taxonomy. The target includes all categories below it."
      />
      <ErrorNote error={save.error} />
      <FormActions action="Add target" pending={save.pending} onCancel={onClose} />
    </form>
  );
}
