/** Paste a token, name a scope, and read why a call is refused. The server explains it; nothing is judged here. */
import type { TokenExplanation } from '@postern/admin';
import { type FormEvent, useState } from 'react';
import { useScopes } from '../scopes/use-scopes.ts';
import { useSession } from '../session/session-context.tsx';
import { Button } from '../ui/button.tsx';
import { CodeBlock } from '../ui/copy.tsx';
import { CheckboxField, TextAreaField, TextField } from '../ui/fields.tsx';
import { ErrorNote, Note } from '../ui/note.tsx';
import { Page, Section } from '../ui/page.tsx';

interface Inspection {
  readonly scope: string;
  readonly explanation: TokenExplanation;
}

export function InspectorPage() {
  const { admin } = useSession();
  const scopes = useScopes();
  const [text, setText] = useState('');
  const [scope, setScope] = useState('');
  const [audience, setAudience] = useState('');
  const [proof, setProof] = useState(false);
  const [inspection, setInspection] = useState<Inspection>();
  const [error, setError] = useState<Error | null>(null);
  const [pending, setPending] = useState(false);

  const inspect = async (event: FormEvent) => {
    event.preventDefault();
    setInspection(undefined);
    setError(null);
    setPending(true);
    try {
      const audienceAsked = audience.trim() === '' ? undefined : audience.trim();
      const question = { token: text.trim(), scope, audience: audienceAsked, proof };
      const explanation = await admin.tokens.explain(question);
      setInspection({ scope: scope.trim(), explanation });
    } catch (caught) {
      setError(caught as Error);
    } finally {
      setPending(false);
    }
  };
  return (
    <Page
      title="Token inspector"
      description="Why an API refuses a token. The token is sent to this server only, which neither logs nor stores it."
    >
      <form className="card stack" onSubmit={(event) => void inspect(event)}>
        <TextAreaField
          label="Access token"
          value={text}
          onChange={setText}
          isRequired
          mono
          rows={5}
          placeholder="eyJ…"
        />
        <div className="form-columns">
          <TextField
            label="Scope that the call needs"
            value={scope}
            onChange={setScope}
            mono
            placeholder="policy:read"
            description="Leave it empty to check only the token."
            suggestions={scopes?.map(({ name }) => name) ?? []}
          />
          <TextField
            label="Audience of the API"
            value={audience}
            onChange={setAudience}
            mono
            placeholder="https://api.example.com"
            description="Leave it empty for any API."
          />
        </div>
        <CheckboxField
          label="The caller proves that a bound token is its own, with a DPoP proof or its certificate"
          checked={proof}
          onChange={setProof}
        />
        <div className="form-actions">
          <Button kind="primary" type="submit" pending={pending}>
            Inspect
          </Button>
        </div>
      </form>
      <ErrorNote title="The token could not be inspected" error={error} />
      {inspection !== undefined && <ExplanationView {...inspection} />}
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
const markLabels = { ok: 'OK', failed: 'Failed', unknown: 'Unknown' };

function ExplanationView({ scope, explanation }: Inspection) {
  const { checks, header, claims } = explanation;
  const cause = checks.find(({ result }) => result === 'failed');
  const open = checks.some(({ result }) => result === 'unknown');
  const call = scope === '' ? '' : ` for a call that needs ${scope}`;
  return (
    <>
      <div role="status">
        {cause === undefined ? (
          <Note kind={open ? 'info' : 'good'} title={open ? `No check failed${call}` : `Accepted${call}`}>
            {open ? 'You are not allowed to see the result of the checks marked with ?.' : 'Every check passed.'}
          </Note>
        ) : (
          <Note kind="danger" title={`Refused${call}`}>
            {cause.detail}
          </Note>
        )}
      </div>
      <Section title="Checks">
        <ul className="findings card">
          {checks.map(({ name, result, reason, detail, advice }) => (
            <li key={`${name} ${detail}`} className={`finding finding-${result}`}>
              <span className="finding-mark" role="img" aria-label={markLabels[result]}>
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
