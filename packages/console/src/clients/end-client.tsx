/** Ending what a client can do: its tokens, the client for a while, the client for good. */
import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import type { Api } from '../api/api.ts';
import type { Client, ClientUsage, TrustedIssuer } from '../api/contract.ts';
import { useSession } from '../session/session-context.tsx';
import { useAll, useChange, useGet } from '../session/use-api.ts';
import { Button } from '../ui/button.tsx';
import { ConfirmDialog } from '../ui/dialog.tsx';
import { useNotice } from '../ui/notice.tsx';
import { Section } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { nameOf } from './client-words.tsx';

export function DeleteClient({ client }: { readonly client: Client }) {
  const session = useSession();
  const [, navigate] = useLocation();
  const path = `oauth/client/${encodeURIComponent(client.client_id)}`;
  const name = nameOf(client);
  const setEnabled = (enabled: boolean) => (api: Api) => api.send('PATCH', path, { enabled });
  const actions = [
    session.may('token:revoke') && (
      <Action
        key="revoke"
        title="Revoke all tokens"
        description="The client stays, and may get new tokens at once."
        question={`Revoke all tokens of ${name}?`}
        done="All tokens revoked"
        change={(api) => api.send('POST', `${path}/revoke`)}
      >
        <LastToken client={client} />
        <li>Every token issued so far is refused, here at once, at APIs that follow revocations within a second.</li>
        <li>Its secrets stay good: a caller that renews its token goes on. Rotate the secret too if it leaked.</li>
      </Action>
    ),
    session.may('client:update') &&
      (client.enabled ? (
        <Action
          key="disable"
          title="Disable client"
          description="Can be undone, but its tokens stay dead."
          question={`Disable ${name}?`}
          done="Client disabled"
          change={setEnabled(false)}
        >
          <LastToken client={client} />
          <li>It gets no more tokens until it is enabled again.</li>
          <li>Every token issued so far is refused for good, also after it is enabled again.</li>
        </Action>
      ) : (
        <Enable key="enable" change={setEnabled(true)} />
      )),
    session.may('client:delete') && (
      <Action
        key="delete"
        title="Delete client"
        description="For good: its id and its secrets do not come back."
        question={`Delete ${name}?`}
        done={`${name} deleted`}
        change={(api) => api.send('DELETE', path)}
        onDone={() => navigate('/clients')}
      >
        <LastToken client={client} />
        <li>Every token of it is refused, here at once, at APIs that follow revocations within a second.</li>
        <li>Its id and secrets are gone; a client of the same name will have others.</li>
        <Workloads client={client} />
      </Action>
    ),
  ].filter((action) => action !== false);

  return actions.length === 0 ? null : (
    <Section title="End it">
      <div className="card danger-zone form-page">{actions}</div>
    </Section>
  );
}

interface ActionProps {
  readonly title: string;
  readonly description: string;
  readonly question: string;
  readonly done: string;
  readonly change: (api: Api) => Promise<unknown>;
  /** Leaves the page. */
  readonly onDone?: () => void;
  /** The consequences, as items of a list. */
  readonly children: ReactNode;
}

function Action({ title, description, question, done, change, onDone, children }: ActionProps) {
  const notify = useNotice();
  const [open, setOpen] = useState(false);
  const { run, pending, error, reset } = useChange((api) => change(api), { leaves: onDone !== undefined });
  const close = () => {
    reset();
    setOpen(false);
  };
  const confirm = async () => {
    if ((await run(undefined)) !== undefined) {
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

function Enable({ change }: { readonly change: (api: Api) => Promise<unknown> }) {
  const notify = useNotice();
  const { run, pending } = useChange((api) => change(api));
  const enable = async () => {
    if ((await run(undefined)) !== undefined) {
      notify('Client enabled');
    }
  };
  return (
    <div className="danger-row">
      <div>
        <strong>Enable client</strong>
        <p className="hint">It may get tokens again, with the secrets and scopes that it has.</p>
      </div>
      <Button onPress={() => void enable()} pending={pending}>
        Enable client
      </Button>
    </div>
  );
}

function LastToken({ client }: { readonly client: Client }) {
  const { data } = useGet<ClientUsage>(`oauth/client/${encodeURIComponent(client.client_id)}/usage`);
  return data === undefined ? null : (
    <li>
      {data.last_issued_at === null ? (
        'It never got a token.'
      ) : (
        <>
          Its last token was issued <Time iso={data.last_issued_at} />
          {Date.now() - Date.parse(data.last_issued_at) < 86_400_000 && ': something is using it'}.
        </>
      )}
    </li>
  );
}

/** The trusted issuers whose workloads lose their client. */
function Workloads({ client }: { readonly client: Client }) {
  const session = useSession();
  const { data } = useAll<TrustedIssuer>(session.may('issuer:read') ? 'oauth/issuer' : undefined);
  const issuers = data?.filter(({ rules }) => rules.some((rule) => rule.client_id === client.client_id)) ?? [];
  return issuers.length === 0 ? null : (
    <li>
      Rules of the trusted issuers {issuers.map(({ key }) => key).join(', ')} name it: their workloads get no tokens.
    </li>
  );
}
