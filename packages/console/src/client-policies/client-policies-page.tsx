/** Client policies: what an installation requires of its clients. */
import { type ClientPolicy, ifUnchanged, operations } from '@postern/admin';
import { parseJson } from '../api/parse-json.ts';
import { ReadAll } from '../session/read.tsx';
import { useEdit } from '../session/use-admin.ts';
import { EditableListPage } from '../shapes/editable-list-page.tsx';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { DataTable, TwoLines } from '../ui/data-table.tsx';
import { TextField } from '../ui/fields.tsx';
import { Empty } from '../ui/loaded.tsx';

export function ClientPoliciesPage() {
  return (
    <EditableListPage<ClientPolicy>
      title="Client policies"
      description="What is required of clients: lifetimes, keys, methods of authentication, binding of tokens, and the life of secrets."
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
            <DataTable
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
                  cell: ({ name, description }) => (
                    <TwoLines first={<strong>{name}</strong>} second={description ?? ''} />
                  ),
                },
                { title: 'For', cell: ({ scope }) => (scope ? <code>{scope}</code> : 'all clients') },
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

function toLabel([member, value]: Requirement): string {
  return `${member.replaceAll('_', ' ')}: ${[value].flat().join(' or ')}`;
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
    requirements: JSON.stringify(
      policy === undefined ? { max_access_token_ttl_seconds: 3_600 } : Object.fromEntries(requirementsOf(policy)),
      null,
      2,
    ),
  });
  const save = useEdit(
    policy,
    () => operations.clientPolicies.get(values.name),
    (admin, guarded) => {
      const body = {
        ...(parseJson('The requirements', values.requirements) as Partial<ClientPolicy>),
        name: values.name,
        description: values.description === '' ? null : values.description,
        scope: values.scope === '' ? null : values.scope,
      };
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
        description="The policy is for clients that have this scope. Empty: for all clients."
      />
      <TextField
        label="Requirements"
        {...field('requirements')}
        isRequired
        mono
        rows={10}
        description="A JSON object with max_access_token_ttl_seconds, token_endpoint_auth_methods, signing_algs, min_rsa_bits, min_ec_bits, sender_constraint or max_secret_ttl_seconds. They hold at once for every change, and for all tokens that are issued from now on."
      />
    </FormDialog>
  );
}
