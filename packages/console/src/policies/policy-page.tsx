/** One policy: its rules, and what they are about. */
import { useState } from 'react';
import { useLocation } from 'wouter';
import type { Policy, Rule } from '../api/contract.ts';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useChange, useGet } from '../session/use-api.ts';
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
  readonly path: string;
  readonly consequence: string;
  /** All that the page shows goes. */
  readonly isPolicy?: boolean;
}

export function PolicyPage({ policyKey }: { readonly policyKey: string }) {
  const session = useSession();
  const path = `policy/${encodeURIComponent(policyKey)}`;
  const policy = useGet<Policy>(session.may('policy:read') ? path : undefined);
  const [edited, setEdited] = useState<Rule | 'new'>();
  const [aimed, setAimed] = useState<Rule>();
  const [removal, setRemoval] = useState<Removal>();
  const mayWriteRules = session.may('rule:create_or_update');
  const rulePath = (rule: Rule) => `${path}/rule/${encodeURIComponent(rule.key)}`;

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
                path,
                consequence: 'Its rules and their targets go with it.',
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
                  <p>An access rule gives data out to a storage destination; an erasure rule masks it.</p>
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
                              path: rulePath(rule),
                              consequence: 'Its targets go with it.',
                            })
                          }
                        >
                          Delete
                        </Button>
                      )}
                    </div>
                  </div>
                  <p>{sayRule(rule)}</p>
                  <div className="row">
                    <span className="label">Targets</span>
                    {rule.targets.length === 0 && <span className="muted">none: it does nothing yet</span>}
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
                                path: `${rulePath(rule)}/target/${encodeURIComponent(target.key)}`,
                                consequence: `The rule ${rule.name} is not about this data any more.`,
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
                        onPress={() => setAimed(rule)}
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
            path={`${path}/rule`}
            rule={edited === 'new' ? undefined : edited}
            onClose={() => setEdited(undefined)}
          />
        </Dialog>
        <Dialog title={`Add target to ${aimed?.name}`} isOpen={aimed !== undefined} onClose={() => setAimed(undefined)}>
          {aimed !== undefined && <TargetForm path={`${rulePath(aimed)}/target`} onClose={() => setAimed(undefined)} />}
        </Dialog>
        <Remove removal={removal} onClose={() => setRemoval(undefined)} />
      </Requires>
    </Page>
  );
}

function sayRule({ action_type, storage_destination, masking_strategy }: Rule): string {
  return action_type === 'access'
    ? `Gives the data out to the storage destination ${storage_destination?.name ?? 'that it lacks'}.`
    : `Erases the data by ${masking_strategy?.strategy.replaceAll('_', ' ') ?? 'nothing yet'}.`;
}

interface RemoveProps {
  readonly removal: Removal | undefined;
  readonly onClose: () => void;
}

function Remove({ removal, onClose }: RemoveProps) {
  const notify = useNotice();
  const [, navigate] = useLocation();
  const isPolicy = removal?.isPolicy === true;
  const remove = useChange((api, path: string) => api.send('DELETE', path), { leaves: isPolicy });
  const close = () => {
    remove.reset();
    onClose();
  };
  const confirm = async (confirmed: Removal) => {
    if ((await remove.run(confirmed.path)) !== undefined) {
      notify(`Deleted: ${confirmed.what}`);
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
