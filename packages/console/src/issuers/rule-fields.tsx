/** One rule of a trusted issuer, in its form: which claims make a workload which client. */
import type { Client, Page as PageOf } from '../api/contract.ts';
import { useSession } from '../session/session-context.tsx';
import { useGet } from '../session/use-api.ts';
import { Button } from '../ui/button.tsx';
import { TextAreaField, TextField } from '../ui/fields.tsx';
import type { ClaimDraft, RuleDraft } from './issuer-draft.ts';

interface RuleFieldsProps {
  readonly number: number;
  readonly rule: RuleDraft;
  readonly onChange: (rule: RuleDraft) => void;
  readonly onRemove: () => void;
}

export function RuleFields({ number, rule, onChange, onRemove }: RuleFieldsProps) {
  const session = useSession();
  const clients = useGet<PageOf<Client>>(session.may('client:read') ? 'oauth/client?size=100' : undefined);
  const setClaims = (claims: readonly ClaimDraft[]) => onChange({ ...rule, claims });
  return (
    <fieldset className="card stack rule">
      <legend className="visually-hidden">Rule {number}</legend>
      <div className="section-header">
        <h3>Rule {number}</h3>
        <Button small onPress={onRemove} aria-label={`Remove rule ${number}`}>
          Remove
        </Button>
      </div>
      <TextField
        label="Client ID"
        value={rule.clientId}
        onChange={(clientId) => onChange({ ...rule, clientId })}
        isRequired
        mono
        suggestions={clients.data?.items.map(({ client_id }) => client_id) ?? []}
        description={nameOfClient(clients.data, rule.clientId) ?? 'The workload gets tokens of this client.'}
      />
      {rule.claims.map((claim, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a claim being written has nothing else that tells it
        <div key={index} className="claim">
          <TextField
            label="Claim"
            value={claim.name}
            onChange={(name) => setClaims(rule.claims.with(index, { ...claim, name }))}
            isRequired
            mono
          />
          <TextAreaField
            label="Must be one of"
            value={claim.patterns}
            onChange={(patterns) => setClaims(rule.claims.with(index, { ...claim, patterns }))}
            isRequired
            mono
            rows={Math.max(1, claim.patterns.split('\n').length)}
          />
          <Button
            small
            isDisabled={rule.claims.length === 1}
            onPress={() => setClaims(rule.claims.toSpliced(index, 1))}
            aria-label={`Remove the claim ${claim.name}`}
          >
            Remove
          </Button>
        </div>
      ))}
      <div className="row">
        <Button small onPress={() => setClaims([...rule.claims, { name: '', patterns: '' }])}>
          Add claim
        </Button>
        <span className="hint">One text a line; a * stands for one or more characters, never for : or /.</span>
      </div>
      <TextAreaField
        label="Scopes"
        value={rule.scopes}
        onChange={(scopes) => onChange({ ...rule, scopes })}
        mono
        rows={Math.max(1, rule.scopes.split('\n').length)}
        description="Of those that the client holds, one a line. Left empty: all."
      />
    </fieldset>
  );
}

function nameOfClient(clients: PageOf<Client> | undefined, clientId: string): string | undefined {
  return clients?.items.find(({ client_id }) => client_id === clientId)?.name ?? undefined;
}
