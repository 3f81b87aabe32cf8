/** Changes the scopes of a client, and shows beforehand what will stop working. */
import { type Client, operations } from '@postern/admin';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { clientPath } from '../api/address.ts';
import { ScopeList } from '../scopes/scope-list.tsx';
import { ScopePicker } from '../scopes/scope-picker.tsx';
import { Requires } from '../session/requires.tsx';
import { useAll, useEdit, useRead } from '../session/use-admin.ts';
import { CallError } from '../shapes/call-error.tsx';
import { Button, LinkButton } from '../ui/button.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { nameOf } from './client-labels.tsx';
import { describeChange, type ScopeChange } from './scope-change.ts';

export function ClientScopesPage({ clientId }: { readonly clientId: string }) {
  const client = useRead(operations.clients.get(clientId), 'client:read');
  return (
    <Page
      title="Change scopes"
      back={{ href: clientPath(clientId), title: client.data === undefined ? clientId : nameOf(client.data) }}
      description="Nothing changes until you save. Then it applies immediately, also to tokens that were issued before."
    >
      <Requires scope="client:read">
        <Requires scope="client:update">
          <Loaded query={client}>{(loaded) => <ScopesForm client={loaded} />}</Loaded>
        </Requires>
      </Requires>
    </Page>
  );
}

function ScopesForm({ client }: { readonly client: Client }) {
  const [, navigate] = useLocation();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(client.scopes));
  const path = clientPath(client.client_id);
  const change = describeChange({
    clientId: client.client_id,
    held: client.scopes,
    chosen,
    usage: useRead(operations.clients.getUsage(client.client_id)).data,
    issuers: useAll(operations.issuers.list(), { needs: 'issuer:read' }).data ?? [],
  });
  const save = useEdit(
    client,
    () => operations.clients.get(client.client_id),
    (admin, guarded) => admin.send(guarded(operations.clients.setScopes(client.client_id, { scopes: [...chosen] }))),
    { notice: 'Scopes changed', onDone: () => navigate(path) },
  );
  const changed = change.added.length + change.removed.length > 0;
  return (
    <div className="split">
      <div className="panel card">
        <ScopePicker label="Scopes" value={chosen} onChange={setChosen} />
      </div>
      <aside className="panel card stack change" aria-label="What changes">
        <h2>What changes</h2>
        <div className="stack" role="status">
          {changed ? <ChangeSummary change={change} /> : <p className="hint">Nothing yet.</p>}
        </div>
        <CallError call={save} />
        <div className="row actions">
          <LinkButton href={path}>Cancel</LinkButton>
          <Button
            kind={change.removed.length > 0 ? 'danger' : 'primary'}
            isDisabled={!changed}
            pending={save.pending}
            onPress={save.run}
          >
            Save scopes
          </Button>
        </div>
      </aside>
    </div>
  );
}

function ChangeSummary({ change }: { readonly change: ScopeChange }) {
  return (
    <>
      {change.removed.length > 0 && (
        <div className="stack">
          <h3 className="danger-text">Will stop working</h3>
          <ul className="consequences">
            {change.removed.map(({ scope, tokensIssued, lastIssuedAt, issuers }) => (
              <li key={scope}>
                Calls that need <code>{scope}</code>. {tokensIssued === 0 && 'No token has had it yet.'}
                {tokensIssued !== undefined && tokensIssued > 0 && (
                  <>
                    {tokensIssued.toLocaleString('en')} {tokensIssued === 1 ? 'token' : 'tokens'} had it, the last one
                    issued <Time iso={lastIssuedAt} />.
                  </>
                )}
                {issuers.length > 0 && ` Workloads that get it by rules of ${issuers.join(', ')} lose it.`}
              </li>
            ))}
            <li>
              Every token that has one of them, for all of its scopes: it is revoked immediately, and the client
              requests a new one.
            </li>
            <li>Token requests that name one of them: they are rejected with invalid_scope.</li>
          </ul>
        </div>
      )}
      {change.added.length > 0 && (
        <div className="stack">
          <h3>Will be allowed</h3>
          <ScopeList scopes={change.added} />
          <p className="hint">With the next token of the client. Tokens that were issued before do not change.</p>
        </div>
      )}
    </>
  );
}
