/** One trusted issuer: its keys, and the rules that map its workloads to clients. */

import { operations, type TrustedIssuer } from '@postern/admin';
import { type FormEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { Lacks, Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useChange, useRead } from '../session/use-admin.ts';
import { Button, LinkButton } from '../ui/button.tsx';
import { ConfirmDialog } from '../ui/dialog.tsx';
import { CheckboxField, SelectField, TextAreaField, TextField } from '../ui/fields.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { ErrorNote } from '../ui/note.tsx';
import { useNotice } from '../ui/notice.tsx';
import { Page, Section } from '../ui/page.tsx';
import {
  emptyDraft,
  fromDraft,
  type IssuerDraft,
  type KeySource,
  newRule,
  templates,
  toDraft,
} from './issuer-draft.ts';
import { RuleFields } from './rule-fields.tsx';

const back = { href: '/issuers', title: 'Trusted issuers' };

export function NewIssuerPage() {
  const [template, setTemplate] = useState('');
  return (
    <Page
      title="New trusted issuer"
      back={back}
      description="Who issues tokens to workloads, and which workload is which client."
    >
      <Requires scope="issuer:create_or_update">
        <div className="toolbar">
          <SelectField
            label="Start from"
            value={template}
            onChange={setTemplate}
            options={[
              { value: '', label: 'An empty form' },
              ...Object.entries(templates).map(([value, { label }]) => ({ value, label })),
            ]}
          />
        </div>
        <IssuerForm key={template} draft={templates[template]?.draft() ?? emptyDraft} isNew />
      </Requires>
    </Page>
  );
}

export function IssuerPage({ issuerKey }: { readonly issuerKey: string }) {
  const session = useSession();
  const issuer = useRead(session.may('issuer:read') ? operations.issuers.get(issuerKey) : undefined);
  return (
    <Page title={issuerKey} back={back}>
      <Requires scope="issuer:read">
        <Loaded query={issuer}>
          {(loaded) => (
            <>
              {!session.may('issuer:create_or_update') && <Lacks scope="issuer:create_or_update" to="change it" />}
              <IssuerForm draft={toDraft(loaded)} isNew={false} />
              {session.may('issuer:delete') && <DeleteIssuer trusted={loaded} />}
            </>
          )}
        </Loaded>
      </Requires>
    </Page>
  );
}

const keySources: readonly { readonly value: KeySource; readonly label: string }[] = [
  { value: 'discovery', label: 'By OpenID Connect Discovery' },
  { value: 'jwks_uri', label: 'By the URL of a JSON Web Key Set' },
  { value: 'jwks', label: 'Inline' },
];

function IssuerForm({ draft: initial, isNew }: { readonly draft: IssuerDraft; readonly isNew: boolean }) {
  const session = useSession();
  const notify = useNotice();
  const [, navigate] = useLocation();
  const [draft, setDraft] = useState(initial);
  const set = (change: Partial<IssuerDraft>) => setDraft({ ...draft, ...change });
  const save = useChange(async (admin, sent: IssuerDraft) => admin.issuers.save(fromDraft(sent)));

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if ((await save.run(draft)) !== undefined) {
      notify(`Trusted issuer ${draft.key} saved`);
      navigate('/issuers');
    }
  };
  return (
    <form className="stack form-page" onSubmit={(event) => void submit(event)}>
      <div className="card stack">
        <div className="form-columns">
          <TextField
            label="Key"
            value={draft.key}
            onChange={(key) => set({ key })}
            isRequired
            isReadOnly={!isNew}
            mono
            description="A short name that identifies it in this console and in the API."
          />
          <TextField
            label="Issuer"
            value={draft.issuer}
            onChange={(issuer) => set({ issuer })}
            isRequired
            mono
            placeholder="https://issuer.example.com"
            description="The iss claim of its tokens, exactly."
          />
        </div>
        <SelectField
          label="Public keys"
          value={draft.keySource}
          onChange={(keySource) => set({ keySource })}
          options={keySources}
        />
        {draft.keySource === 'jwks_uri' && (
          <TextField
            label="URL of the keys"
            value={draft.jwksUri}
            onChange={(jwksUri) => set({ jwksUri })}
            isRequired
            mono
          />
        )}
        {draft.keySource === 'jwks' && (
          <TextAreaField
            label="JSON Web Key Set"
            value={draft.jwks}
            onChange={(jwks) => set({ jwks })}
            isRequired
            mono
            rows={6}
          />
        )}
        <div className="form-columns">
          <TextField
            label="Audience"
            value={draft.audience}
            onChange={(audience) => set({ audience })}
            mono
            description="The aud claim that its tokens must have. If empty: the issuer of this server."
          />
          <TextField
            label="Maximum age, in seconds"
            value={draft.maxAgeSeconds}
            onChange={(maxAgeSeconds) => set({ maxAgeSeconds })}
            isRequired
            inputMode="numeric"
            pattern="[0-9]+"
            description="Older tokens are rejected."
          />
        </div>
        <CheckboxField
          label="Each token can be used only once"
          description="A used token that leaks is then invalid."
          checked={draft.singleUse}
          onChange={(singleUse) => set({ singleUse })}
        />
      </div>
      <Section
        title="Rules"
        description="A workload whose token matches all claims of a rule gets a token of the client of that rule."
        actions={<Button onPress={() => set({ rules: [...draft.rules, newRule()] })}>Add rule</Button>}
      >
        {draft.rules.length === 0 && <p className="hint">Without a rule, no workload gets a token.</p>}
        {draft.rules.map((rule, index) => (
          <RuleFields
            key={rule.id}
            number={index + 1}
            rule={rule}
            onChange={(changed) => set({ rules: draft.rules.map((one) => (one.id === rule.id ? changed : one)) })}
            onRemove={() => set({ rules: draft.rules.filter(({ id }) => id !== rule.id) })}
          />
        ))}
      </Section>
      <ErrorNote title="Issuer not saved" error={save.error} />
      {session.may('issuer:create_or_update') && (
        <div className="form-actions">
          <LinkButton href="/issuers">Cancel</LinkButton>
          <Button kind="primary" type="submit" pending={save.pending}>
            Save issuer
          </Button>
        </div>
      )}
    </form>
  );
}

function DeleteIssuer({ trusted }: { readonly trusted: TrustedIssuer }) {
  const notify = useNotice();
  const [, navigate] = useLocation();
  const [open, setOpen] = useState(false);
  const remove = useChange((admin, key: string) => admin.issuers.delete(key), { leaves: true });
  const clients = [...new Set(trusted.rules.map(({ client_id }) => client_id))];
  const confirm = async () => {
    if ((await remove.run(trusted.key)) !== undefined) {
      notify(`Trusted issuer ${trusted.key} deleted`);
      navigate('/issuers');
    }
  };
  return (
    <Section title="Delete">
      <div className="card danger-zone form-page">
        <div className="danger-row">
          <div>
            <strong>Delete trusted issuer</strong>
            <p className="hint">Its workloads get no more tokens.</p>
          </div>
          <Button kind="danger" onPress={() => setOpen(true)}>
            Delete issuer
          </Button>
        </div>
      </div>
      <ConfirmDialog
        title={`Delete the trusted issuer ${trusted.key}?`}
        isOpen={open}
        onClose={() => setOpen(false)}
        action="Delete issuer"
        onConfirm={() => void confirm()}
        pending={remove.pending}
        error={remove.error}
      >
        <ul className="consequences">
          <li>
            Tokens of <code>{trusted.issuer}</code> are no longer accepted.
          </li>
          {clients.length > 0 && <li>All tokens of the clients in its rules are revoked: {clients.join(', ')}.</li>}
        </ul>
      </ConfirmDialog>
    </Section>
  );
}
