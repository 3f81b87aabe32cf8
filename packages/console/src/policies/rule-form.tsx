/** The form to create or change a rule of a policy. */

import { operations, type Rule, type RuleElement, requireWritten } from '@postern/admin';
import { type FormEvent, useState } from 'react';
import { useSession } from '../session/session-context.tsx';
import { useAll, useChange } from '../session/use-admin.ts';
import { FormActions } from '../ui/dialog.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { ErrorNote } from '../ui/note.tsx';
import { useNotice } from '../ui/notice.tsx';

interface RuleFormProps {
  readonly policyKey: string;
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

export function RuleForm({ policyKey, rule, onClose }: RuleFormProps) {
  const session = useSession();
  const notify = useNotice();
  const [name, setName] = useState(rule?.name ?? '');
  const [action, setAction] = useState(rule?.action_type ?? 'access');
  const [storage, setStorage] = useState(rule?.storage_destination?.key ?? '');
  const [strategy, setStrategy] = useState<Strategy>(rule?.masking_strategy?.strategy ?? 'null_rewrite');
  const [rewrite, setRewrite] = useState(String(rule?.masking_strategy?.configuration?.rewrite_value ?? ''));
  const destinations = useAll(session.may('storage:read') ? operations.storage.list() : undefined);
  const save = useChange(async (admin, element: RuleElement) =>
    requireWritten(await admin.rules.save(policyKey, [element])),
  );

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const saved = await save.run({
      ...(rule !== undefined && { key: rule.key }),
      name,
      action_type: action,
      storage_destination_key: action === 'access' ? storage : null,
      masking_strategy: action === 'erasure' ? { strategy, configuration: configurationOf() } : null,
    });
    if (saved !== undefined) {
      notify(`Rule ${name} saved`);
      onClose();
    }
  };
  /** Keeps the configuration of the strategy, unless another strategy was chosen. */
  const configurationOf = () => ({
    ...(strategy === rule?.masking_strategy?.strategy && rule.masking_strategy.configuration),
    ...(strategy === 'string_rewrite' && { rewrite_value: rewrite }),
  });
  const keys = destinations.data?.map(({ key }) => key) ?? [];
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <TextField label="Name" value={name} onChange={setName} isRequired autoFocus />
      <SelectField
        label="Action"
        value={action}
        onChange={setAction}
        options={[
          { value: 'access', label: 'access: export the data' },
          { value: 'erasure', label: 'erasure: mask the data' },
        ]}
      />
      {action === 'access' ? (
        <TextField
          label="Storage destination"
          value={storage}
          onChange={setStorage}
          isRequired
          mono
          suggestions={keys}
          description="The key of an existing destination, see Storage."
        />
      ) : (
        <SelectField
          label="Masking strategy"
          value={strategy}
          onChange={setStrategy}
          options={strategies.map((value) => ({ value, label: value.replaceAll('_', ' ') }))}
        />
      )}
      {action === 'erasure' && strategy === 'string_rewrite' && (
        <TextField label="Replacement text" value={rewrite} onChange={setRewrite} isRequired />
      )}
      <ErrorNote error={save.error} />
      <FormActions action="Save rule" pending={save.pending} onCancel={onClose} />
    </form>
  );
}
