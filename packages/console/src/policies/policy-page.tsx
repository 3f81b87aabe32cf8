/** One policy: its rules, and their targets. */

import { type Change, operations, type Rule } from '@postern/admin';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useChange, useRead } from '../session/use-admin.ts';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { ConfirmDialog, Dialog } from '../ui/dialog.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { useNotice } from '../ui/notice.tsx';
import { Page, Section } from '../ui/page.tsx';
import { RuleForm } from './rule-form.tsx';
import { TargetForm } from './target-form.tsx';

interface Removal {
  readonly what: string;
  readonly operation: Change<void>;
  readonly consequence: string;
  /** The page is left, because it shows what is deleted. */
  readonly isPolicy?: boolean;
}

export function PolicyPage({ policyKey }: { readonly policyKey: string }) {
  const session = useSession();
  const policy = useRead(session.may('policy:read') ? operations.policies.get(policyKey) : undefined);
  const [edited, setEdited] = useState<Rule | 'new'>();
  const [targeted, setTargeted] = useState<Rule>();
  const [removal, setRemoval] = useState<Removal>();
  const mayWriteRules = session.may('rule:create_or_update');

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
              setRemoval({
                what: `policy ${policyKey}`,
                operation: operations.policies.delete(policyKey),
                consequence: 'Its rules and their targets are deleted too.',
                isPolicy: true,
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
          {({ rules }) => (
            <Section
              title="Rules"
              actions={mayWriteRules && <Button onPress={() => setEdited('new')}>New rule</Button>}
            >
              {rules.length === 0 && (
                <Empty title="No rules yet">
                  <p>An access rule exports data to a storage destination; an erasure rule masks it.</p>
                </Empty>
              )}
              {rules.map((rule) => (
                <article key={rule.key} className="card stack rule" aria-label={rule.name}>
                  <div className="section-header">
                    <div>
                      <h3>{rule.name}</h3>
                      <p className="row">
                        <Badge tone={rule.action_type === 'erasure' ? 'danger' : 'accent'}>{rule.action_type}</Badge>
                        <code className="muted">{rule.key}</code>
                      </p>
                    </div>
                    <div className="row">
                      {mayWriteRules && (
                        <Button small onPress={() => setEdited(rule)} aria-label={`Edit ${rule.name}`}>
                          Edit
                        </Button>
                      )}
                      {session.may('rule:delete') && (
                        <Button
                          small
                          aria-label={`Delete ${rule.name}`}
                          onPress={() =>
                            setRemoval({
                              what: `rule ${rule.key}`,
                              operation: operations.rules.delete(policyKey, rule.key),
                              consequence: 'Its targets are deleted too.',
                            })
                          }
                        >
                          Delete
                        </Button>
                      )}
                    </div>
                  </div>
                  <p>{describeRule(rule)}</p>
                  <div className="row">
                    <span className="label">Targets</span>
                    {rule.targets.length === 0 && <span className="muted">none: the rule has no effect yet</span>}
                    {rule.targets.map((target) => (
                      <span key={target.key} className="chip">
                        {target.data_category}
                        {session.may('rule:delete') && (
                          <button
                            type="button"
                            className="chip-button"
                            aria-label={`Remove the target ${target.data_category}`}
                            onClick={() =>
                              setRemoval({
                                what: `target ${target.data_category}`,
                                operation: operations.targets.delete(policyKey, rule.key, target.key),
                                consequence: `The rule ${rule.name} no longer applies to this data.`,
                              })
                            }
                          >
                            ×
                          </button>
                        )}
                      </span>
                    ))}
                    {mayWriteRules && (
                      <Button
                        small
                        kind="quiet"
                        onPress={() => setTargeted(rule)}
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
        <Dialog
          title={edited === 'new' || edited === undefined ? 'New rule' : `Edit ${edited.name}`}
          isOpen={edited !== undefined}
          onClose={() => setEdited(undefined)}
        >
          <RuleForm
            policyKey={policyKey}
            rule={edited === 'new' ? undefined : edited}
            onClose={() => setEdited(undefined)}
          />
        </Dialog>
        <Dialog
          title={`Add target to ${targeted?.name}`}
          isOpen={targeted !== undefined}
          onClose={() => setTargeted(undefined)}
        >
          {targeted !== undefined && (
            <TargetForm policyKey={policyKey} ruleKey={targeted.key} onClose={() => setTargeted(undefined)} />
          )}
        </Dialog>
        <Remove removal={removal} onClose={() => setRemoval(undefined)} />
      </Requires>
    </Page>
  );
}

function describeRule({ action_type, storage_destination, masking_strategy }: Rule): string {
  return action_type === 'access'
    ? `Exports the data to ${storage_destination === null ? 'a storage destination that is missing' : `the storage destination ${storage_destination.name}`}.`
    : `Erases the data ${masking_strategy === null ? 'by a masking strategy that is missing' : `by ${masking_strategy.strategy.replaceAll('_', ' ')}`}.`;
}

interface RemoveProps {
  readonly removal: Removal | undefined;
  readonly onClose: () => void;
}

function Remove({ removal, onClose }: RemoveProps) {
  const notify = useNotice();
  const [, navigate] = useLocation();
  const isPolicy = removal?.isPolicy === true;
  const remove = useChange((admin, operation: Change<void>) => admin.send(operation), { leaves: isPolicy });
  const close = () => {
    remove.reset();
    onClose();
  };
  const confirm = async (confirmed: Removal) => {
    if ((await remove.run(confirmed.operation)) !== undefined) {
      notify(`Deleted ${confirmed.what}`);
      close();
      if (isPolicy) {
        navigate('/policies');
      }
    }
  };
  return (
    <ConfirmDialog
      title={`Delete the ${removal?.what}?`}
      isOpen={removal !== undefined}
      onClose={close}
      action="Delete"
      onConfirm={() => removal !== undefined && void confirm(removal)}
      pending={remove.pending}
      error={remove.error}
    >
      <p>{removal?.consequence}</p>
    </ConfirmDialog>
  );
}
