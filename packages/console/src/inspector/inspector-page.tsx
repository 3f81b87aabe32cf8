/** Paste a token, name a scope, and read why it would be refused. The token goes to this server alone. */
import { type FormEvent, useState } from 'react';
import { useScopes } from '../scopes/use-scopes.ts';
import { type ReadToken, readToken } from '../session/access-token.ts';
import { useSession } from '../session/session-context.tsx';
import { Button } from '../ui/button.tsx';
import { CodeBlock } from '../ui/copy.tsx';
import { TextAreaField, TextField } from '../ui/fields.tsx';
import { ErrorNote, Note } from '../ui/note.tsx';
import { Page, Section } from '../ui/page.tsx';
import { gatherEvidence } from './gather-evidence.ts';
import { type Finding, findCause, inspectToken, type Question } from './inspect.ts';

interface Inspection {
  readonly token: ReadToken;
  readonly question: Question;
  readonly findings: readonly Finding[];
}

export function InspectorPage() {
  const session = useSession();
  const scopes = useScopes();
  const [text, setText] = useState('');
  const [scope, setScope] = useState('');
  const [audience, setAudience] = useState('');
  const [inspection, setInspection] = useState<Inspection>();
  const [error, setError] = useState<Error | null>(null);
  const [pending, setPending] = useState(false);

  const inspect = async (event: FormEvent) => {
    event.preventDefault();
    setInspection(undefined);
    setError(null);
    const token = readToken(text);
    if (token === undefined) {
      setError(
        new Error('It is not a JWT: three parts with dots between are expected. Was it cut when it was copied?'),
      );
      return;
    }
    setPending(true);
    try {
      const question = { scope: scope.trim(), audience: audience.trim() };
      const evidence = await gatherEvidence(text, token, session);
      setInspection({ token, question, findings: inspectToken(token, evidence, question) });
    } catch (caught) {
      setError(caught as Error);
    } finally {
      setPending(false);
    }
  };
  return (
    <Page
      title="Token inspector"
      description="Why an API would refuse a token, in words. The token is sent to this server alone, and kept nowhere."
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
            description="Left empty, only the token itself is judged."
            suggestions={scopes?.map(({ name }) => name) ?? []}
          />
          <TextField
            label="Audience of the API"
            value={audience}
            onChange={setAudience}
            mono
            placeholder="https://api.example.com"
            description="Left empty, this server’s own APIs."
          />
        </div>
        <div className="form-actions">
          <Button kind="primary" type="submit" pending={pending}>
            Inspect
          </Button>
        </div>
      </form>
      <ErrorNote title="It cannot be read" error={error} />
      {inspection !== undefined && <InspectionView {...inspection} />}
    </Page>
  );
}

const marks = { good: '✓', bad: '✕', unknown: '?' };
const markWords = { good: 'Good', bad: 'Refused', unknown: 'Not known' };

function InspectionView({ token, question, findings }: Inspection) {
  const cause = findCause(findings);
  const open = findings.some(({ state }) => state === 'unknown');
  const call = question.scope === '' ? '' : ` for a call that needs ${question.scope}`;
  return (
    <>
      <div role="status">
        {cause === undefined ? (
          <Note kind={open ? 'info' : 'good'} title={open ? `Nothing speaks against it${call}` : `Accepted${call}`}>
            {open ? 'As far as could be seen; the points marked with ? could not be checked.' : 'Every check passed.'}
          </Note>
        ) : (
          <Note kind="danger" title={`Refused${call}: ${cause.title.toLowerCase()}`}>
            {cause.text}
          </Note>
        )}
      </div>
      <Section title="Checks">
        <ul className="findings card">
          {findings.map(({ state, title, text }) => (
            <li key={title} className={`finding finding-${state}`}>
              <span className="finding-mark" role="img" aria-label={markWords[state]}>
                {marks[state]}
              </span>
              <div>
                <strong>{title}</strong>
                <p>{text}</p>
              </div>
            </li>
          ))}
        </ul>
      </Section>
      <Section title="What it says">
        <div className="form-columns">
          <CodeBlock what="Header" code={JSON.stringify(token.header, null, 2)} />
          <CodeBlock what="Claims" code={JSON.stringify(token.claims, null, 2)} />
        </div>
      </Section>
    </>
  );
}
