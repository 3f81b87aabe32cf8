/** Revokes the tokens of a client, disables it, or deletes it. */

import { type Change, type Client, operations } from '@postern/admin';
import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import { useSession } from '../session/session-context.tsx';
import { useAll, useChange, useRead } from '../session/use-admin.ts';
import { Button } from '../ui/button.tsx';
import { ConfirmDialog } from '../ui/dialog.tsx';
import { useNotice } from '../ui/notice.tsx';
import { Section } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { nameOf } from './client-labels.tsx';

export function DeleteClient({ client }: { readonly client: Client }) {
  const session = useSession();
  const [, navigate] = useLocation();
  const name = nameOf(client);
  const { client_id: id } = client;
  const actions = [
    session.may('token:revoke') && (
      <Action
        key="revoke"
        title="Revoke all tokens"
        description="The client stays enabled, and may request new tokens immediately."
        question={`Revoke all tokens of ${name}?`}
        done="All tokens revoked"
        change={operations.clients.revokeTokens(id)}
      >
        <LastToken client={client} />
        <li>
          All tokens are revoked: this server rejects them immediately, APIs that follow revocations within a second.
        </li>
        <li>Its secrets remain valid: callers can request new tokens. If a secret leaked, rotate it too.</li>
      </Action>
    ),
    session.may('client:update') &&
      (client.enabled ? (
        <Action
          key="disable"
          title="Disable client"
          description="It can be enabled again, but its tokens remain revoked."
          question={`Disable ${name}?`}
          done="Client disabled"
          change={operations.clients.update(id, { enabled: false })}
        >
          <LastToken client={client} />
          <li>It gets no more tokens until it is enabled again.</li>
          <li>All of its tokens are revoked, and remain revoked after it is enabled again.</li>
        </Action>
      ) : (
        <Enable key="enable" change={operations.clients.update(id, { enabled: true })} />
      )),
    session.may('client:delete') && (
      <Action
        key="delete"
        title="Delete client"
        description="This cannot be undone: its ID and its secrets are lost."
        question={`Delete ${name}?`}
        done={`${name} deleted`}
        change={operations.clients.delete(id)}
        onDone={() => navigate('/clients')}
      >
        <LastToken client={client} />
        <li>
          All tokens are revoked: this server rejects them immediately, APIs that follow revocations within a second.
        </li>
        <li>Its ID and secrets are deleted. A new client with the same name has others.</li>
        <Workloads client={client} />
      </Action>
    ),
  ].filter((action) => action !== false);

  return actions.length === 0 ? null : (
    <Section title="Danger zone">
      <div className="card danger-zone form-page">{actions}</div>
    </Section>
  );
}

interface ActionProps {
  readonly title: string;
  readonly description: string;
  readonly question: string;
  readonly done: string;
  readonly change: Change<unknown>;
  /** Leaves the page. */
  readonly onDone?: () => void;
  /** The consequences, as items of a list. */
  readonly children: ReactNode;
}

function Action({ title, description, question, done, change, onDone, children }: ActionProps) {
  const notify = useNotice();
  const [open, setOpen] = useState(false);
  const { run, pending, error, reset } = useChange((admin, operation: Change<unknown>) => admin.send(operation), {
    leaves: onDone !== undefined,
  });
  const close = () => {
    reset();
    setOpen(false);
  };
  const confirm = async () => {
    if ((await run(change)) !== undefined) {
      notify(done);
      close();
      onDone?.();
    }
  };
  return (
    <div className="danger-row">
      <div>
        <strong>{title}</strong>
        <p className="hint">{description}</p>
      </div>
      <Button kind="danger" onPress={() => setOpen(true)}>
        {title}
      </Button>
      <ConfirmDialog
        title={question}
        isOpen={open}
        onClose={close}
        action={title}
        onConfirm={() => void confirm()}
        pending={pending}
        error={error}
      >
        <ul className="consequences">{children}</ul>
      </ConfirmDialog>
    </div>
  );
}

function Enable({ change }: { readonly change: Change<unknown> }) {
  const notify = useNotice();
  const { run, pending } = useChange((admin, operation: Change<unknown>) => admin.send(operation));
  const enable = async () => {
    if ((await run(change)) !== undefined) {
      notify('Client enabled');
    }
  };
  return (
    <div className="danger-row">
      <div>
        <strong>Enable client</strong>
        <p className="hint">It may request tokens again, with its secrets and scopes.</p>
      </div>
      <Button onPress={() => void enable()} pending={pending}>
        Enable client
      </Button>
    </div>
  );
}

function LastToken({ client }: { readonly client: Client }) {
  const { data } = useRead(operations.clients.getUsage(client.client_id));
  return data === undefined ? null : (
    <li>
      {data.last_issued_at === null ? (
        'It has never got a token.'
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
  const session = useSession();
  const { data } = useAll(session.may('issuer:read') ? operations.issuers.list() : undefined);
  const issuers = data?.filter(({ rules }) => rules.some((rule) => rule.client_id === client.client_id)) ?? [];
  return issuers.length === 0 ? null : (
    <li>
      Workloads get no more tokens by the rules of the trusted issuers {issuers.map(({ key }) => key).join(', ')}.
    </li>
  );
}
