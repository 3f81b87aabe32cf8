/** Client policies: what an installation requires of its clients. */
import { type ClientPolicy, ifUnchanged, operations } from '@postern/admin';
import { ReadAll } from '../session/read.tsx';
import { useEdit } from '../session/use-admin.ts';
import { EditableListPage } from '../shapes/editable-list-page.tsx';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { listOrNull, textOrNull, toLines, toList } from '../shapes/lines.ts';
import { TwoLines } from '../ui/data-table.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { Empty } from '../ui/loaded.tsx';
import { SortableTable } from '../ui/sortable-table.tsx';

export function ClientPoliciesPage() {
  return (
    <EditableListPage<ClientPolicy>
      title="Client policies"
      description="What is required of clients: lifetimes, keys, methods of authentication, binding of tokens, and lifetimes of secrets."
      noun="client policy"
      nameOf={({ name }) => name}
      scopes="client_policy"
      dialog={(policy, onClose) => <PolicyDialog policy={policy} onClose={onClose} />}
      deletion={(policy) => ({
        operation: ifUnchanged(operations.clientPolicies.delete(policy.name), policy),
        consequences: <p>Its requirements no longer hold. Clients and tokens stay as they are.</p>,
      })}
    >
      {(buttons, createFirst) => (
        <ReadAll list={operations.clientPolicies.list()}>
          {(policies) => (
            <SortableTable
              caption="Client policies"
              keyOf={({ name }) => name}
              rows={policies}
              empty={
                <Empty title="No client policies yet">
                  Without one, each client has what its creator chose.
                  {createFirst}
                </Empty>
              }
              columns={[
                {
                  title: 'Client policy',
                  sortsBy: 'name',
                  cell: ({ name, description }) => (
                    <TwoLines first={<strong>{name}</strong>} second={description ?? ''} />
                  ),
                },
                { title: 'For', sortsBy: 'scope', cell: ({ scope }) => (scope ? <code>{scope}</code> : 'all clients') },
                { title: 'Requires', cell: (policy) => requirementsOf(policy).map(toLabel).join(', ') || '–' },
                buttons,
              ]}
            />
          )}
        </ReadAll>
      )}
    </EditableListPage>
  );
}

type Requirement = readonly [member: string, value: unknown];

/** The members that require something, by their names in the API. */
function requirementsOf({ name: _name, description: _description, scope: _scope, ...requirements }: ClientPolicy) {
  return Object.entries(requirements).filter(([, value]) => value !== null && value !== undefined);
}

const requirementLabels: Readonly<Record<string, string>> = {
  max_access_token_ttl_seconds: 'longest lifetime of tokens, in seconds',
  token_endpoint_auth_methods: 'authentication by',
  sender_constraint: 'tokens bound by',
  signing_algs: 'signatures by',
  min_rsa_bits: 'shortest RSA key, in bits',
  min_ec_bits: 'shortest key of an elliptic curve, in bits',
  max_secret_ttl_seconds: 'longest lifetime of secrets, in seconds',
};

/** A requirement of a newer server is shown by its name in the API. */
function toLabel([member, value]: Requirement): string {
  return `${requirementLabels[member] ?? member.replaceAll('_', ' ')}: ${[value].flat().join(' or ')}`;
}

interface PolicyDialogProps {
  /** Undefined: a new one. */
  readonly policy: ClientPolicy | undefined;
  readonly onClose: () => void;
}

function PolicyDialog({ policy, onClose }: PolicyDialogProps) {
  const { values, field } = useForm({
    name: policy?.name ?? '',
    description: policy?.description ?? '',
    scope: policy?.scope ?? '',
    tokenSeconds: toText(policy?.max_access_token_ttl_seconds),
    methods: toLines(policy?.token_endpoint_auth_methods ?? []),
    constraint: policy?.sender_constraint ?? '',
    algorithms: toLines(policy?.signing_algs ?? []),
    rsaBits: toText(policy?.min_rsa_bits),
    ecBits: toText(policy?.min_ec_bits),
    secretSeconds: toText(policy?.max_secret_ttl_seconds),
  });
  const save = useEdit(
    policy,
    () => operations.clientPolicies.get(values.name),
    (admin, guarded) => {
      // The server knows the valid values, and reports invalid ones.
      const body = {
        name: values.name,
        description: textOrNull(values.description),
        scope: textOrNull(values.scope),
        max_access_token_ttl_seconds: toNumber(values.tokenSeconds),
        token_endpoint_auth_methods: listOrNull(toList(values.methods)),
        sender_constraint: textOrNull(values.constraint),
        signing_algs: listOrNull(toList(values.algorithms)),
        min_rsa_bits: toNumber(values.rsaBits),
        min_ec_bits: toNumber(values.ecBits),
        max_secret_ttl_seconds: toNumber(values.secretSeconds),
      } as ClientPolicy;
      return admin.send(guarded(operations.clientPolicies.save(body)));
    },
    { notice: `Client policy ${values.name} saved`, onDone: onClose },
  );
  return (
    <FormDialog
      title={policy === undefined ? 'New client policy' : `Edit ${policy.name}`}
      call={save}
      action="Save client policy"
      onClose={onClose}
      wide
    >
      {policy === undefined && (
        <TextField label="Name" {...field('name')} isRequired autoFocus mono placeholder="payments" />
      )}
      <TextField label="Description" {...field('description')} maxLength={1_000} />
      <TextField
        label="Scope"
        {...field('scope')}
        mono
        description="The policy is for clients that have this scope. If empty: for all clients."
      />
      <p className="hint">
        Each field that you fill in applies immediately: to every change of such a client, and to all tokens that are
        issued from now on.
      </p>
      <TextField label="Longest lifetime of tokens, in seconds" {...field('tokenSeconds')} {...digits} />
      <TextField
        label="Methods of authentication"
        {...field('methods')}
        mono
        rows={3}
        description="Those that are allowed, one per line: private_key_jwt, tls_client_auth, client_secret_basic …"
      />
      <SelectField label="Tokens are bound" {...field('constraint')} options={constraints} />
      <TextField
        label="Signing algorithms"
        {...field('algorithms')}
        mono
        rows={3}
        description="Those that are allowed for what clients sign and for their tokens, one per line: ES256, EdDSA, PS256 …"
      />
      <TextField label="Shortest RSA key, in bits" {...field('rsaBits')} {...digits} />
      <TextField label="Shortest key of an elliptic curve, in bits" {...field('ecBits')} {...digits} />
      <TextField label="Longest lifetime of secrets, in seconds" {...field('secretSeconds')} {...digits} />
    </FormDialog>
  );
}

const digits = { inputMode: 'numeric', pattern: '[0-9]*' } as const;

const constraints = [
  { value: '', label: 'As the client requests' },
  { value: 'any', label: 'To a DPoP key or a certificate' },
  { value: 'dpop', label: 'To a DPoP key' },
  { value: 'tls_client_certificate', label: 'To a certificate' },
] as const;

const toText = (number: number | null | undefined): string => number?.toString() ?? '';
const toNumber = (text: string): number | null => (text.trim() === '' ? null : Number(text));
