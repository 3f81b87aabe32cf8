/** The dialog to create or change a rule of a policy. */
import { operations, type Policy, type Rule, type RuleElement, requireWritten } from '@postern/admin';
import { useAll, useEdit } from '../session/use-admin.ts';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';

interface RuleDialogProps {
  readonly policy: Policy;
  /** Undefined: a new one. */
  readonly rule: Rule | undefined;
  readonly onClose: () => void;
}

type Strategy = NonNullable<RuleElement['masking_strategy']>['strategy'];

const strategies: readonly Strategy[] = [
  'null_rewrite',
  'string_rewrite',
  'random_string_rewrite',
  'hash',
  'hmac',
  'aes_encrypt',
];

export function RuleDialog({ policy, rule, onClose }: RuleDialogProps) {
  const before = rule?.masking_strategy;
  const { values, field } = useForm({
    name: rule?.name ?? '',
    action: rule?.action_type ?? 'access',
    storage: rule?.storage_destination?.key ?? '',
    strategy: before?.strategy ?? ('null_rewrite' as Strategy),
    rewrite: '',
  });
  const { name, action, storage, strategy, rewrite } = values;
  const destinations = useAll(operations.storage.list(), { needs: 'storage:read' });
  const isKept = strategy === before?.strategy;
  const save = useEdit(
    policy,
    () => operations.policies.get(policy.key),
    async (admin, guarded) => {
      const element = {
        ...(rule !== undefined && { key: rule.key }),
        name,
        action_type: action,
        storage_destination_key: action === 'access' ? storage : null,
        masking_strategy:
          action === 'erasure'
            ? {
                strategy,
                ...(strategy === 'string_rewrite' &&
                  !(isKept && rewrite === '') && { configuration: { rewrite_value: rewrite } }),
              }
            : null,
      };
      return requireWritten(await admin.send(guarded(operations.rules.save(policy.key, [element]))));
    },
    { notice: `Rule ${name} saved`, onDone: onClose },
  );
  return (
    <FormDialog
      title={rule === undefined ? 'New rule' : `Edit ${rule.name}`}
      call={save}
      action="Save rule"
      onClose={onClose}
    >
      <TextField label="Name" {...field('name')} isRequired autoFocus />
      <SelectField
        label="Action"
        {...field('action')}
        options={[
          { value: 'access', label: 'access: export the data' },
          { value: 'erasure', label: 'erasure: mask the data' },
        ]}
      />
      {action === 'access' ? (
        <TextField
          label="Storage destination"
          {...field('storage')}
          isRequired
          mono
          suggestions={destinations.data?.map(({ key }) => key)}
          description="The key of a destination on the page Storage."
        />
      ) : (
        <SelectField
          label="Masking strategy"
          {...field('strategy')}
          options={strategies.map((value) => ({ value, label: value.replaceAll('_', ' ') }))}
        />
      )}
      {action === 'erasure' && strategy === 'string_rewrite' && (
        <TextField
          label="Replacement text"
          {...field('rewrite')}
          isRequired={!isKept}
          description={isKept ? 'The present text is not shown. Leave the field empty to keep it.' : undefined}
        />
      )}
    </FormDialog>
  );
}
