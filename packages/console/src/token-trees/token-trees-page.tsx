/** Ends a token, or all tokens of a client, with all that was exchanged for them; first shows what that is. */
import { describeTokenTree, findTokenTree, operations, type TokenTree } from '@postern/admin';
import { useState } from 'react';
import { Requires } from '../session/requires.tsx';
import { useCall } from '../session/use-admin.ts';
import { ConfirmChange } from '../shapes/confirm-change.tsx';
import { Form, useForm } from '../shapes/form.tsx';
import { Button } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { TextField } from '../ui/fields.tsx';
import { Empty } from '../ui/loaded.tsx';
import { Note } from '../ui/note.tsx';
import { Page, Section } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';

export function TokenTreesPage() {
  const { values, field } = useForm({ text: '' });
  const look = useCall((admin) => findTokenTree(admin, values.text.trim()));
  const [isAsking, setAsking] = useState(false);
  const found = look.output;
  return (
    <Page
      title="Token trees"
      description="The tokens that were exchanged for a token, or for the tokens of a client, and that are revoked with it."
    >
      <Requires scope="token:revoke">
        <Form
          call={look}
          action="Show what would be revoked"
          errorTitle="Nothing was found"
          className="panel card stack"
        >
          <TextField
            label="Token, its jti, or a client ID"
            {...field('text')}
            isRequired
            mono
            rows={3}
            description="A token is sent to this server only, which neither logs nor stores it."
          />
        </Form>
        {found !== undefined && (
          <>
            <div role="status">
              <TreeNote tree={found.tree} />
            </div>
            <Section title="Tokens exchanged for it">
              <Descendants tree={found.tree} />
            </Section>
            {(found.tree.status !== 'inactive' || found.tree.kind === 'client') && (
              <div className="row actions">
                <Button kind="danger" onPress={() => setAsking(true)}>
                  Revoke all of it
                </Button>
              </div>
            )}
            {isAsking && (
              <ConfirmChange
                question="Revoke all of it?"
                action="Revoke all of it"
                operation={operations.tokens.revoke(found.root)}
                notice="Revoked"
                onClose={() => {
                  setAsking(false);
                  look.run();
                }}
              >
                <p className="breakable">This revokes {describeTokenTree(found.tree)}. This cannot be undone.</p>
                <p>This server rejects these tokens immediately, APIs that follow revocations within a second.</p>
              </ConfirmChange>
            )}
          </>
        )}
      </Requires>
    </Page>
  );
}

function TreeNote({ tree }: { readonly tree: TokenTree }) {
  const { kind, client_id, jti, status } = tree;
  const subject = kind === 'client' ? `Client ${client_id}` : `Token ${jti}`;
  const texts = {
    active: kind === 'client' ? 'All of its tokens that were issued so far would be revoked.' : 'It is active.',
    inactive:
      kind === 'client'
        ? 'It is disabled, and none of its tokens is active.'
        : 'It was revoked, or all tokens of its client were.',
    unknown: 'The server keeps no list of the tokens that it issued. If there is such a token, it would be revoked.',
  };
  return (
    <Note tone={status === 'inactive' ? 'good' : 'neutral'} title={subject}>
      {texts[status]}
      {kind !== 'client' && client_id !== null && (
        <>
          {' '}
          It was issued to the client <code className="breakable">{client_id}</code>.
        </>
      )}
    </Note>
  );
}

function Descendants({ tree: { descendants } }: { readonly tree: TokenTree }) {
  const { tokens_issued, is_complete, issued_to } = descendants;
  return (
    <>
      <p>
        {is_complete ? '' : 'At least '}
        {tokens_issued} {tokens_issued === 1 ? 'token was' : 'tokens were'} exchanged for it. Tokens that other nodes
        issued in the last few seconds may be missing.
      </p>
      <DataTable
        caption="Clients and resources of the tokens"
        keyOf={({ client_id, resource }) => `${client_id} ${resource}`}
        rows={issued_to}
        empty={<Empty title="No tokens">No token is known to have been exchanged for it.</Empty>}
        columns={[
          { title: 'Client', cell: ({ client_id }) => <code className="breakable">{client_id}</code> },
          { title: 'Resource', cell: ({ resource }) => <code className="breakable">{resource}</code> },
          { title: 'Tokens', end: true, cell: ({ tokens_issued: count }) => count },
          { title: 'Last expires', cell: ({ last_expires_at }) => <Time iso={last_expires_at} /> },
        ]}
      />
    </>
  );
}
