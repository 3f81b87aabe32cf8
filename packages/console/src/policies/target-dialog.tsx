/** The dialog to add a target to a rule: a data category of the Fides taxonomy, with all categories below it. */
import { operations, type Policy, type Rule, requireWritten } from '@postern/admin';
import { useEdit } from '../session/use-admin.ts';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { TextField } from '../ui/fields.tsx';

interface TargetDialogProps {
  readonly policy: Policy;
  readonly rule: Rule;
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

export function TargetDialog({ policy, rule, onClose }: TargetDialogProps) {
  const { values, field } = useForm({ data_category: '' });
  const save = useEdit(
    policy,
    () => operations.policies.get(policy.key),
    async (admin, guarded) =>
      requireWritten(await admin.send(guarded(operations.targets.save(policy.key, rule.key, [values])))),
    { notice: `Target ${values.data_category} added`, onDone: onClose },
  );
  return (
    <FormDialog title={`Add target to ${rule.name}`} call={save} action="Add target" onClose={onClose}>
      <TextField
        label="Data category"
        {...field('data_category')}
        isRequired
        autoFocus
        mono
        placeholder="user.contact.email"
        suggestions={categories}
        description="A key of the Fides taxonomy. The target includes all categories below it."
      />
    </FormDialog>
  );
}
