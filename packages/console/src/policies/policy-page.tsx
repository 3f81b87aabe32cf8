/** One policy: its rules, and their targets. */
import { type Change, ifUnchanged, operations, type Policy, type Rule } from '@postern/admin';
import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useRead } from '../session/use-admin.ts';
import { ConfirmChange } from '../shapes/confirm-change.tsx';
import { EditButtons } from '../shapes/editable-list-page.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { Page, Section } from '../ui/page.tsx';
import { RuleDialog } from './rule-dialog.tsx';
import { TargetDialog } from './target-dialog.tsx';

interface Deletion {
  readonly what: string;
  readonly operation: Change<void>;
  readonly consequence: string;
  /** The page is left, because it shows what is deleted. */
  readonly leave?: () => void;
}

export function PolicyPage({ policyKey }: { readonly policyKey: string }) {
  const session = useSession();
  const [, navigate] = useLocation();
  const policy = useRead(operations.policies.get(policyKey), 'policy:read');
  const [dialog, setDialog] = useState<ReactNode>();
  const close = () => setDialog(undefined);
  const edit = (of: Policy, rule?: Rule) => setDialog(<RuleDialog policy={of} rule={rule} onClose={close} />);
  const confirm = ({ what, consequence, ...change }: Deletion) =>
    setDialog(
      <ConfirmChange
        {...change}
        question={`Delete the ${what}?`}
        action="Delete"
        notice={`Deleted the ${what}`}
        onClose={close}
      >
        <p>{consequence}</p>
      </ConfirmChange>,
    );
  const mayWriteRules = session.may('rule:create_or_update');
  const mayDeleteRules = session.may('rule:delete');
  return (
    <Page
      title={policy.data?.name ?? policyKey}
      back={{ href: '/policies', title: 'Policies' }}
      description={<code>{policyKey}</code>}
      actions={
        session.may('policy:delete') && (
          <Button
            kind="danger"
            onPress={() =>
              confirm({
                what: `policy ${policyKey}`,
                operation: ifUnchanged(operations.policies.delete(policyKey), policy.data ?? {}),
                consequence: 'Its rules and their targets are deleted too.',
                leave: () => navigate('/policies'),
              })
            }
          >
            Delete policy
          </Button>
        )
      }
    >
      <Requires scope="policy:read">
        <Loaded query={policy}>
          {(loaded) => (
            <Section title="Rules" actions={mayWriteRules && <Button onPress={() => edit(loaded)}>New rule</Button>}>
              {loaded.rules.length === 0 && (
                <Empty title="No rules yet">
                  An access rule exports data to a storage destination; an erasure rule masks it.
                  {mayWriteRules && <Button onPress={() => edit(loaded)}>Create the first rule</Button>}
                </Empty>
              )}
              {loaded.rules.map((rule) => (
                <article key={rule.key} className="panel card stack" aria-label={rule.name}>
                  <div className="row spread">
                    <div>
                      <h3>{rule.name}</h3>
                      <p className="row">
                        <Badge tone={rule.action_type === 'erasure' ? 'danger' : 'good'}>{rule.action_type}</Badge>
                        <code className="muted">{rule.key}</code>
                      </p>
                    </div>
                    <EditButtons
                      name={rule.name}
                      onEdit={mayWriteRules && (() => edit(loaded, rule))}
                      onDelete={
                        mayDeleteRules &&
                        (() =>
                          confirm({
                            what: `rule ${rule.key}`,
                            operation: ifUnchanged(operations.rules.delete(policyKey, rule.key), loaded),
                            consequence: 'Its targets are deleted too.',
                          }))
                      }
                    />
                  </div>
                  <p>{describeRule(rule)}</p>
                  <div className="row">
                    <span className="label">Targets</span>
                    {rule.targets.length === 0 && <span className="muted">none: the rule has no effect yet</span>}
                    {rule.targets.map(({ key, data_category }) => (
                      <Chip
                        key={key}
                        text={data_category}
                        removeLabel={`Remove the target ${data_category}`}
                        onRemove={
                          mayDeleteRules &&
                          (() =>
                            confirm({
                              what: `target ${data_category}`,
                              operation: ifUnchanged(operations.targets.delete(policyKey, rule.key, key), loaded),
                              consequence: `The rule ${rule.name} no longer applies to this data.`,
                            }))
                        }
                      />
                    ))}
                    {mayWriteRules && (
                      <Button
                        small
                        kind="quiet"
                        onPress={() => setDialog(<TargetDialog policy={loaded} rule={rule} onClose={close} />)}
                        aria-label={`Add target to ${rule.name}`}
                      >
                        Add target
                      </Button>
                    )}
                  </div>
                </article>
              ))}
            </Section>
          )}
        </Loaded>
        {dialog}
      </Requires>
    </Page>
  );
}

function describeRule({ action_type, storage_destination: storage, masking_strategy: masking }: Rule): string {
  if (action_type === 'access') {
    return storage === null
      ? 'Exports the data to a storage destination that is missing.'
      : `Exports the data to the storage destination ${storage.name}.`;
  }
  return masking === null
    ? 'Erases the data by a masking strategy that is missing.'
    : `Erases the data by ${masking.strategy.replaceAll('_', ' ')}.`;
}
