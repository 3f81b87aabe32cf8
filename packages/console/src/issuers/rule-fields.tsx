/** The form fields of one rule of a trusted issuer: which claims map a workload or a person to which client. */
import type { WorkloadPlatform } from '@postern/protocol/workload-platforms';
import { ClientPicker } from '../pickers/client-picker.tsx';
import { Button } from '../ui/button.tsx';
import { CheckboxField, TextField } from '../ui/fields.tsx';
import { type ClaimDraft, newClaim, type RuleDraft } from './issuer-draft.ts';

interface RuleFieldsProps {
  readonly number: number;
  readonly rule: RuleDraft;
  /** Undefined: it is not known. */
  readonly platform: WorkloadPlatform | undefined;
  readonly onChange: (change: (rule: RuleDraft) => RuleDraft) => void;
  readonly onRemove: () => void;
}

export function RuleFields({ number, rule, platform, onChange, onRemove }: RuleFieldsProps) {
  const set = (members: Partial<RuleDraft>) => onChange((now) => ({ ...now, ...members }));
  const setClaims = (change: (claims: readonly ClaimDraft[]) => readonly ClaimDraft[]) =>
    onChange((now) => ({ ...now, claims: change(now.claims) }));
  const setClaim = (id: number, members: Partial<ClaimDraft>) =>
    setClaims((now) => now.map((claim) => (claim.id === id ? { ...claim, ...members } : claim)));
  return (
    <fieldset className="panel card stack">
      <legend className="visually-hidden">Rule {number}</legend>
      <div className="row spread">
        <h3>Rule {number}</h3>
        <Button small onPress={onRemove} aria-label={`Remove rule ${number}`}>
          Remove
        </Button>
      </div>
      <ClientPicker
        label="Client"
        value={rule.clientId}
        onChange={(clientId) => set({ clientId })}
        description={
          rule.people
            ? 'It acts for the people, with its own credentials.'
            : 'The workload gets tokens of this client, without credentials.'
        }
      />
      <CheckboxField
        label="For people, by ID-JAGs that name the client"
        description="Otherwise the rule is for workloads."
        value={rule.people}
        onChange={(people) => set({ people })}
      />
      {rule.claims.map((claim) => (
        <div key={claim.id} className="claim">
          <TextField
            label="Claim"
            value={claim.name}
            onChange={(name) => setClaim(claim.id, { name })}
            isRequired
            mono
          />
          <TextField
            label="Must be one of"
            value={claim.patterns}
            onChange={(patterns) => setClaim(claim.id, { patterns })}
            isRequired
            mono
            placeholder={platform?.hints[claim.name]?.example}
            description={platform?.hints[claim.name]?.description}
            rows={claim.patterns.split('\n').length}
          />
          <Button
            small
            isDisabled={rule.claims.length === 1}
            onPress={() => setClaims((now) => now.filter(({ id }) => id !== claim.id))}
            aria-label={`Remove the claim ${claim.name}`}
          >
            Remove
          </Button>
        </div>
      ))}
      <div className="row">
        <Button small onPress={() => setClaims((now) => [...now, newClaim('', '')])}>
          Add claim
        </Button>
        <span className="hint">One value per line. A * matches one or more characters except : and /.</span>
      </div>
      <TextField
        label="Scopes"
        value={rule.scopes}
        onChange={(scopes) => set({ scopes })}
        mono
        rows={rule.scopes.split('\n').length}
        description="Scopes of the client that the workload or person gets, one per line. If empty: all."
      />
    </fieldset>
  );
}
