/** One trusted issuer: its keys, and the rules by which its workloads are clients. */
import { type FormEvent, useState } from 'react';
import { useLocation } from 'wouter';
import type { TrustedIssuer } from '../api/contract.ts';
import { Lacks, Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useChange, useGet } from '../session/use-api.ts';
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
      description="Who vouches for workloads, and which of them is which client."
    >
      <Requires scope="issuer:create_or_update">
        <div className="toolbar">
          <SelectField
            label="Start from"
            value={template}
            onChange={setTemplate}
            options={[
              { value: '', label: 'Nothing' },
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
  const path = `oauth/issuer/${encodeURIComponent(issuerKey)}`;
  const issuer = useGet<TrustedIssuer>(session.may('issuer:read') ? path : undefined);
  return (
    <Page title={issuerKey} back={back}>
      <Requires scope="issuer:read">
        <Loaded query={issuer}>
          {(loaded) => (
            <>
              {!session.may('issuer:create_or_update') && <Lacks scope="issuer:create_or_update" to="change it" />}
              <IssuerForm draft={toDraft(loaded)} isNew={false} />
              {session.may('issuer:delete') && <DeleteIssuer trusted={loaded} path={path} />}
            </>
          )}
        </Loaded>
      </Requires>
    </Page>
  );
}

const keySources: readonly { readonly value: KeySource; readonly label: string }[] = [
  { value: 'discovery', label: 'Found by its address (OpenID Connect Discovery)' },
  { value: 'jwks_uri', label: 'At an address of their own' },
  { value: 'jwks', label: 'Given here' },
];

function IssuerForm({ draft: initial, isNew }: { readonly draft: IssuerDraft; readonly isNew: boolean }) {
  const session = useSession();
  const notify = useNotice();
  const [, navigate] = useLocation();
  const [draft, setDraft] = useState(initial);
  const set = (change: Partial<IssuerDraft>) => setDraft({ ...draft, ...change });
  const save = useChange((api, sent: IssuerDraft) =>
    Promise.resolve(sent)
      .then(fromDraft)
      .then((body) => api.send('PUT', 'oauth/issuer', body)),
  );

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
            description="A short name, for its address here."
          />
          <TextField
            label="Issuer"
            value={draft.issuer}
            onChange={(issuer) => set({ issuer })}
            isRequired
            mono
            placeholder="https://issuer.example.com"
            description="The iss of its tokens, to the letter."
          />
        </div>
        <SelectField
          label="Its public keys"
          value={draft.keySource}
          onChange={(value) => set({ keySource: value as KeySource })}
          options={keySources}
        />
        {draft.keySource === 'jwks_uri' && (
          <TextField
            label="Address of the keys"
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
            description="The one aud that its tokens must have. Left empty: the issuer of this server."
          />
          <TextField
            label="Longest age, in seconds"
            value={draft.maxAgeSeconds}
            onChange={(maxAgeSeconds) => set({ maxAgeSeconds })}
            isRequired
            inputMode="numeric"
            pattern="[0-9]+"
            description="A token is refused this long after it was made."
          />
        </div>
        <CheckboxField
          label="Each of its tokens can be used once"
          description="A token that was seen on the way is then worth nothing."
          checked={draft.singleUse}
          onChange={(singleUse) => set({ singleUse })}
        />
      </div>
      <Section
        title="Rules"
        description="A workload whose token fits a rule gets a token of that client. All claims of a rule must fit."
        actions={<Button onPress={() => set({ rules: [...draft.rules, newRule()] })}>Add rule</Button>}
      >
        {draft.rules.length === 0 && <p className="hint">Without a rule nobody gets in.</p>}
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
      <ErrorNote title="It was not saved" error={save.error} />
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

function DeleteIssuer({ trusted, path }: { readonly trusted: TrustedIssuer; readonly path: string }) {
  const notify = useNotice();
  const [, navigate] = useLocation();
  const [open, setOpen] = useState(false);
  const remove = useChange((api, _: undefined) => api.send('DELETE', path), { leaves: true });
  const clients = [...new Set(trusted.rules.map(({ client_id }) => client_id))];
  const confirm = async () => {
    if ((await remove.run(undefined)) !== undefined) {
      notify(`${trusted.key} is not trusted any more`);
      navigate('/issuers');
    }
  };
  return (
    <Section title="End it">
      <div className="card danger-zone form-page">
        <div className="danger-row">
          <div>
            <strong>Stop trusting</strong>
            <p className="hint">Its workloads get no tokens any more.</p>
          </div>
          <Button kind="danger" onPress={() => setOpen(true)}>
            Stop trusting
          </Button>
        </div>
      </div>
      <ConfirmDialog
        title={`Stop trusting ${trusted.key}?`}
        isOpen={open}
        onClose={() => setOpen(false)}
        action="Stop trusting"
        onConfirm={() => void confirm()}
        pending={remove.pending}
        error={remove.error}
      >
        <ul className="consequences">
          <li>
            No token of <code>{trusted.issuer}</code> brings one of Postern’s any more.
          </li>
          {clients.length > 0 && (
            <li>The clients of its rules lose all tokens that they have: {clients.join(', ')}.</li>
          )}
        </ul>
      </ConfirmDialog>
    </Section>
  );
}
