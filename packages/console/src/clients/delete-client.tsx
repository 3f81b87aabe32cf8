/** Revokes the tokens of a client, disables it, or deletes it. */
import { type Client, ifUnchanged, operations } from '@postern/admin';
import { useLocation } from 'wouter';
import { useSession } from '../session/session-context.tsx';
import { useAll, useChange, useRead } from '../session/use-admin.ts';
import { DangerousChange, DangerRow } from '../shapes/confirm-change.tsx';
import { Button } from '../ui/button.tsx';
import { Section } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { nameOf } from './client-labels.tsx';

export function DeleteClient({ client }: { readonly client: Client }) {
  const session = useSession();
  const [, navigate] = useLocation();
  const name = nameOf(client);
  const { client_id: id } = client;
  const revoked = (
    <li>All tokens are revoked: this server rejects them immediately, APIs that follow revocations within a second.</li>
  );
  const actions = [
    session.may('token:revoke') && (
      <DangerousChange
        key="revoke"
        action="Revoke all tokens"
        description="The client stays enabled, and may request new tokens immediately."
        question={`Revoke all tokens of ${name}?`}
        notice="All tokens revoked"
        operation={operations.clients.revokeTokens(id)}
      >
        <LastToken client={client} />
        {revoked}
        <li>Tokens that were exchanged for its tokens are revoked too: Token trees lists them.</li>
        <li>Its secrets remain valid: callers can request new tokens. If a secret leaked, rotate it too.</li>
      </DangerousChange>
    ),
    session.may('client:update') && client.enabled && (
      <DangerousChange
        key="disable"
        action="Disable client"
        description="It can be enabled again, but its tokens remain revoked."
        question={`Disable ${name}?`}
        notice="Client disabled"
        operation={ifUnchanged(operations.clients.update(id, { enabled: false }), client)}
      >
        <LastToken client={client} />
        <li>It gets no more tokens until it is enabled again.</li>
        <li>All of its tokens are revoked, and remain revoked after it is enabled again.</li>
      </DangerousChange>
    ),
    session.may('client:update') && !client.enabled && <Enable key="enable" id={id} />,
    session.may('client:delete') && (
      <DangerousChange
        key="delete"
        action="Delete client"
        description="This cannot be undone: its ID and its secrets are lost."
        question={`Delete ${name}?`}
        notice={`${name} deleted`}
        operation={ifUnchanged(operations.clients.delete(id), client)}
        leave={() => navigate('/clients')}
      >
        <LastToken client={client} />
        {revoked}
        <li>Its ID and secrets are deleted. A new client with the same name has others.</li>
        <Workloads client={client} />
      </DangerousChange>
    ),
  ].filter((action) => action !== false);

  return actions.length === 0 ? null : (
    <Section title="Danger zone">
      <div className="panel form-page">{actions}</div>
    </Section>
  );
}

function Enable({ id }: { readonly id: string }) {
  const enable = useChange((admin) => admin.clients.update(id, { enabled: true }), { notice: 'Client enabled' });
  return (
    <DangerRow title="Enable client" description="It may request tokens again, with its secrets and scopes.">
      <Button onPress={enable.run} pending={enable.pending}>
        Enable client
      </Button>
    </DangerRow>
  );
}

function LastToken({ client }: { readonly client: Client }) {
  const { data } = useRead(operations.clients.getUsage(client.client_id));
  return data === undefined ? null : (
    <li>
      {data.last_issued_at === null ? (
        'No token has been issued to it.'
      ) : (
        <>
          Its last token was issued <Time iso={data.last_issued_at} />
          {Date.now() - Date.parse(data.last_issued_at) < 86_400_000 && ': it is in use'}.
        </>
      )}
    </li>
  );
}

/** Lists the trusted issuers whose workloads get no more tokens. */
function Workloads({ client }: { readonly client: Client }) {
  const { data } = useAll(operations.issuers.list(), { needs: 'issuer:read' });
  const issuers = data?.filter(({ rules }) => rules.some((rule) => rule.client_id === client.client_id)) ?? [];
  return issuers.length === 0 ? null : (
    <li>
      Workloads get no more tokens by the rules of the trusted issuers {issuers.map(({ key }) => key).join(', ')}.
    </li>
  );
}
