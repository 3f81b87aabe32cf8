/** One trusted issuer: its keys, and the rules that map its workloads to clients. */
import { ifUnchanged, operations, type TrustedIssuer } from '@postern/admin';
import type { WorkloadPlatform } from '@postern/protocol/workload-platforms';
import { useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import { clientPath } from '../api/address.ts';
import { ReadOne } from '../session/read.tsx';
import { Lacks, Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useEdit } from '../session/use-admin.ts';
import { DangerousChange } from '../shapes/confirm-change.tsx';
import { Form, useForm } from '../shapes/form.tsx';
import { Button, LinkButton } from '../ui/button.tsx';
import { CheckboxField, SelectField, TextField } from '../ui/fields.tsx';
import { Page, Section } from '../ui/page.tsx';
import { emptyDraft, fromDraft, type IssuerDraft, newRule, toDraft } from './issuer-draft.ts';
import { findPlatform, platformDraft, platforms } from './platforms.ts';
import { RuleFields } from './rule-fields.tsx';

const back = { href: '/issuers', title: 'Trusted issuers' };

/** The address may name a platform, and a client that rules are for. */
export function NewIssuerPage() {
  const [params] = useSearchParams();
  const [key, setKey] = useState(params.get('platform') ?? '');
  const platform = platforms[key];
  return (
    <Page
      title="New trusted issuer"
      back={back}
      description="Who issues tokens to workloads, and which client each workload acts as."
    >
      <Requires scope="issuer:create_or_update">
        <div className="toolbar">
          <SelectField
            label="Start from"
            value={key}
            onChange={setKey}
            options={[
              { value: '', label: 'An empty form' },
              ...Object.entries(platforms).map(([value, { label }]) => ({ value, label })),
            ]}
          />
        </div>
        <IssuerForm
          key={key}
          draft={forClient(platform === undefined ? emptyDraft : platformDraft(platform), params.get('client'))}
          platform={platform}
          trusted={undefined}
        />
      </Requires>
    </Page>
  );
}

/** The address may name a client, for which another rule is begun. */
export function IssuerPage({ issuerKey }: { readonly issuerKey: string }) {
  const session = useSession();
  const [params] = useSearchParams();
  return (
    <Page title={issuerKey} back={back}>
      <Requires scope="issuer:read">
        <ReadOne operation={operations.issuers.get(issuerKey)}>
          {(issuer) => (
            <>
              {!session.may('issuer:create_or_update') && <Lacks scope="issuer:create_or_update" to="change it" />}
              <IssuerForm
                draft={withRuleFor(toDraft(issuer), params.get('client'))}
                platform={findPlatform(issuer.issuer)}
                trusted={issuer}
              />
              {session.may('issuer:delete') && <DeleteIssuer trusted={issuer} />}
            </>
          )}
        </ReadOne>
      </Requires>
    </Page>
  );
}

/** All rules of the draft are for the client; if it has none, one is begun. */
function forClient(draft: IssuerDraft, clientId: string | null): IssuerDraft {
  return clientId === null || draft.rules.length === 0
    ? withRuleFor(draft, clientId)
    : { ...draft, rules: draft.rules.map((rule) => ({ ...rule, clientId })) };
}

function withRuleFor(draft: IssuerDraft, clientId: string | null): IssuerDraft {
  const platform = findPlatform(draft.issuer);
  const claims = platform && platformDraft(platform).rules[0]?.claims;
  return clientId === null ? draft : { ...draft, rules: [...draft.rules, newRule(claims, clientId)] };
}

interface IssuerFormProps {
  readonly draft: IssuerDraft;
  /** Undefined: it is not known. */
  readonly platform: WorkloadPlatform | undefined;
  /** Undefined: a new one. */
  readonly trusted: TrustedIssuer | undefined;
}

function IssuerForm({ draft, platform, trusted }: IssuerFormProps) {
  const [, navigate] = useLocation();
  const client = useSearchParams()[0].get('client');
  const next = client === null ? '/issuers' : `${clientPath(client)}/workloads`;
  const mayWrite = useSession().may('issuer:create_or_update');
  const { values, field } = useForm(draft);
  const { value: rules, onChange: setRules } = field('rules');
  const save = useEdit(
    trusted,
    () => operations.issuers.get(values.key),
    (admin, guarded) => admin.send(guarded(operations.issuers.save(fromDraft(values)))),
    { notice: `Trusted issuer ${values.key} saved`, onDone: () => navigate(next) },
  );
  return (
    <Form
      call={save}
      action={mayWrite ? 'Save issuer' : undefined}
      cancel={<LinkButton href={next}>Cancel</LinkButton>}
      errorTitle="Issuer not saved"
      className="stack form-page"
    >
      <div className="panel card stack">
        <div className="form-columns">
          <TextField
            label="Key"
            {...field('key')}
            isRequired
            isReadOnly={trusted !== undefined}
            mono
            description="A short name that identifies it in this console and in the API."
          />
          <TextField
            label="Issuer"
            {...field('issuer')}
            isRequired
            mono
            placeholder={platform?.issuerHint?.example ?? 'https://issuer.example.com'}
            description={platform?.issuerHint?.description ?? 'The iss claim of its tokens, exactly.'}
          />
        </div>
        <SelectField
          label="Public keys"
          {...field('keySource')}
          options={[
            { value: 'discovery', label: 'By OpenID Connect Discovery' },
            { value: 'jwks_uri', label: 'By the URL of a JSON Web Key Set' },
            { value: 'jwks', label: 'Inline' },
          ]}
        />
        {values.keySource === 'jwks_uri' && <TextField label="URL of the keys" {...field('jwksUri')} isRequired mono />}
        {values.keySource === 'jwks' && (
          <TextField label="JSON Web Key Set" {...field('jwks')} isRequired mono rows={6} />
        )}
        <div className="form-columns">
          <TextField
            label="Audience"
            {...field('audience')}
            mono
            isRequired={platform?.audience !== undefined}
            description={
              platform?.audience === undefined
                ? 'The aud claim that its tokens must have. If empty: the issuer of this server.'
                : `The aud claim that its tokens must have: ${platform.audienceRule}.`
            }
            placeholder={platform?.audience}
          />
          <TextField
            label="Maximum age, in seconds"
            {...field('maxAgeSeconds')}
            isRequired
            inputMode="numeric"
            pattern="[0-9]+"
            description="Older tokens are rejected."
          />
        </div>
        <CheckboxField
          label="Each token can be used only once"
          description="A token that leaks after its use is then worthless."
          {...field('singleUse')}
        />
      </div>
      <Section
        title="Rules"
        description="A workload whose token matches all claims of a rule gets a token of the client of that rule. Rules for people say through which client they act."
        actions={<Button onPress={() => setRules((now) => [...now, newRule()])}>Add rule</Button>}
      >
        {rules.length === 0 && <p className="hint">Without a rule, no workload or person gets a token.</p>}
        {rules.map((rule, index) => (
          <RuleFields
            key={rule.id}
            number={index + 1}
            rule={rule}
            platform={platform}
            onChange={(change) => setRules((now) => now.map((one) => (one.id === rule.id ? change(one) : one)))}
            onRemove={() => setRules((now) => now.filter(({ id }) => id !== rule.id))}
          />
        ))}
      </Section>
    </Form>
  );
}

function DeleteIssuer({ trusted }: { readonly trusted: TrustedIssuer }) {
  const { key, issuer, rules } = trusted;
  const [, navigate] = useLocation();
  const clients = [...new Set(rules.map(({ client_id }) => client_id))];
  return (
    <Section title="Danger zone">
      <div className="panel form-page">
        <DangerousChange
          description="Its workloads get no more tokens."
          question={`Delete the trusted issuer ${key}?`}
          action="Delete issuer"
          operation={ifUnchanged(operations.issuers.delete(key), trusted)}
          notice={`Trusted issuer ${key} deleted`}
          leave={() => navigate('/issuers')}
        >
          <li>
            Tokens of <code>{issuer}</code> are no longer accepted.
          </li>
          {clients.length > 0 && <li>All tokens of the clients in its rules are revoked: {clients.join(', ')}.</li>}
        </DangerousChange>
      </div>
    </Section>
  );
}
