/** Paste a token, name a scope, and read why a call is refused. The server explains it; nothing is judged here. */
import { operations, type TokenExplanation } from '@postern/admin';
import { useState } from 'react';
import { useScopes } from '../scopes/use-scopes.ts';
import { useSession } from '../session/session-context.tsx';
import { useCall } from '../session/use-admin.ts';
import { ConfirmChange } from '../shapes/confirm-change.tsx';
import { Form, useForm } from '../shapes/form.tsx';
import { Button } from '../ui/button.tsx';
import { CodeBlock } from '../ui/copy.tsx';
import { CheckboxField, TextField } from '../ui/fields.tsx';
import { Note } from '../ui/note.tsx';
import { Page, Section } from '../ui/page.tsx';

interface Inspection {
  readonly token: string;
  readonly scope: string;
  readonly explanation: TokenExplanation;
}

export function InspectorPage() {
  const scopes = useScopes();
  const { values, field } = useForm({ token: '', scope: '', audience: '', proof: false });
  const inspect = useCall(async (admin): Promise<Inspection> => {
    const [token, scope, audience] = [values.token.trim(), values.scope.trim(), values.audience.trim()];
    const question = { token, scope, proof: values.proof, ...(audience !== '' && { audience }) };
    return { scope, token, explanation: await admin.tokens.explain(question) };
  });
  return (
    <Page
      title="Token inspector"
      description="Shows why an API refuses a token. The token is sent to this server only, which neither logs nor stores it."
    >
      <Form call={inspect} action="Inspect" errorTitle="The token could not be inspected" className="panel card stack">
        <TextField label="Access token" {...field('token')} isRequired mono rows={5} placeholder="eyJ…" />
        <div className="form-columns">
          <TextField
            label="Scope that the call needs"
            {...field('scope')}
            mono
            placeholder="policy:read"
            description="Leave it empty to check only the token."
            suggestions={scopes?.map(({ name }) => name)}
          />
          <TextField
            label="Audience of the API"
            {...field('audience')}
            mono
            placeholder="https://api.example.com"
            description="Leave it empty for any API."
          />
        </div>
        <CheckboxField
          label="The caller proves that a bound token is its own, with a DPoP proof or its certificate"
          {...field('proof')}
        />
      </Form>
      {inspect.output !== undefined && <ExplanationView {...inspect.output} />}
    </Page>
  );
}

const labels: Readonly<Record<TokenExplanation['checks'][number]['name'], string>> = {
  form: 'Form',
  issuer: 'Issuer',
  signature: 'Signature',
  claims: 'Claims',
  time: 'Time',
  audience: 'Audience',
  binding: 'Binding',
  status: 'Status',
  scope: 'Scope',
};

const marks = { ok: '✓', failed: '✕', unknown: '?' };
const tones = { ok: 'good', failed: 'danger', unknown: 'neutral' };
const markLabels = { ok: 'OK', failed: 'Failed', unknown: 'Unknown' };

function ExplanationView({ scope, token, explanation }: Inspection) {
  const mayRevoke = useSession().may('token:revoke');
  const [isRevoking, setIsRevoking] = useState(false);
  const { checks, header, claims } = explanation;
  const cause = checks.find(({ result }) => result === 'failed');
  const open = checks.some(({ result }) => result === 'unknown');
  const call = scope === '' ? '' : ` for a call that needs ${scope}`;
  return (
    <>
      <div role="status">
        {cause === undefined ? (
          <Note tone={open ? 'neutral' : 'good'} title={open ? `No check failed${call}` : `Accepted${call}`}>
            {open ? 'You are not allowed to see the result of the checks marked with ?.' : 'Every check passed.'}
          </Note>
        ) : (
          <Note tone="danger" title={`Refused${call}`}>
            {cause.detail}
          </Note>
        )}
      </div>
      <Section title="Checks">
        <ul className="findings panel">
          {checks.map(({ name, result, reason, detail, advice }) => (
            <li key={`${name} ${detail}`} className="finding">
              <span className={`finding-mark tone-${tones[result]}`} role="img" aria-label={markLabels[result]}>
                {marks[result]}
              </span>
              <div>
                <strong>{labels[name]}</strong>
                {reason !== undefined && <code> {reason}</code>}
                <p>{detail}</p>
                {advice !== undefined && <p className="muted">{advice}</p>}
              </div>
            </li>
          ))}
        </ul>
      </Section>
      {mayRevoke && checks.some(({ name, result }) => name === 'signature' && result === 'ok') && (
        <div className="row actions">
          <Button kind="danger" onPress={() => setIsRevoking(true)}>
            Revoke this token
          </Button>
        </div>
      )}
      {isRevoking && (
        <ConfirmChange
          question="Revoke this token?"
          action="Revoke token"
          operation={operations.tokens.revoke({ token })}
          notice="Token revoked"
          onClose={() => setIsRevoking(false)}
        >
          <p>
            It is rejected from now on, and so are the tokens that were exchanged for it: Token trees lists them. Other
            tokens of its client remain valid. This cannot be undone.
          </p>
        </ConfirmChange>
      )}
      {header !== null && claims !== null && (
        <Section title="Contents of the token">
          <div className="form-columns">
            <CodeBlock what="Header" code={JSON.stringify(header, null, 2)} />
            <CodeBlock what="Claims" code={JSON.stringify(claims, null, 2)} />
          </div>
        </Section>
      )}
    </>
  );
}
