/** Initial access tokens, with which clients register themselves. RFC 7591 §3. */
import { type InitialAccessToken, ifUnchanged, operations } from '@postern/admin';
import { useState } from 'react';
import { ScopePicker } from '../scopes/scope-picker.tsx';
import { ReadAll } from '../session/read.tsx';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useChange } from '../session/use-admin.ts';
import { ConfirmChange } from '../shapes/confirm-change.tsx';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { Button } from '../ui/button.tsx';
import { CodeBlock } from '../ui/copy.tsx';
import { TwoLines } from '../ui/data-table.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/fields.tsx';
import { useLeaveGuard } from '../ui/leave-guard.tsx';
import { Empty } from '../ui/loaded.tsx';
import { Note } from '../ui/note.tsx';
import { Page } from '../ui/page.tsx';
import { SortableTable } from '../ui/sortable-table.tsx';
import { Time } from '../ui/time.tsx';

export function InitialAccessTokensPage() {
  const session = useSession();
  const mayCreate = session.may('initial_access_token:create');
  const [isNew, setIsNew] = useState(false);
  const [issued, setIssued] = useState<string>();
  const [deleted, setDeleted] = useState<InitialAccessToken>();
  return (
    <Page
      title="Initial access tokens"
      description="Their holders can register clients with the scopes that the token allows, if POSTERN_REGISTRATION permits registration."
      actions={
        mayCreate && (
          <Button kind="primary" onPress={() => setIsNew(true)}>
            New initial access token
          </Button>
        )
      }
    >
      <Requires scope="initial_access_token:read">
        <ReadAll list={operations.initialAccessTokens.list()}>
          {(tokens) => (
            <SortableTable
              caption="Initial access tokens"
              keyOf={({ id }) => id}
              rows={tokens}
              empty={
                <Empty title="No initial access tokens">
                  A client needs one to register itself.
                  {mayCreate && <Button onPress={() => setIsNew(true)}>Create the first initial access token</Button>}
                </Empty>
              }
              columns={[
                {
                  title: 'Token',
                  sortsBy: 'name',
                  cell: ({ id, name }) => (
                    <TwoLines first={<strong>{name ?? 'Unnamed'}</strong>} second={<code>{id}</code>} />
                  ),
                },
                { title: 'Scopes', sortsBy: '-scopes', cell: ({ scopes }) => scopes.join(' ') || '–' },
                { title: 'Clients', sortsBy: '-uses', cell: ({ uses, max_uses }) => `${uses} of ${max_uses}` },
                { title: 'Expires', sortsBy: 'expires_at', cell: ({ expires_at }) => <Time iso={expires_at} /> },
                {
                  title: 'Actions',
                  end: true,
                  cell: (token) =>
                    session.may('initial_access_token:delete') && (
                      <Button small onPress={() => setDeleted(token)} aria-label={`Delete ${token.name ?? token.id}`}>
                        Delete
                      </Button>
                    ),
                },
              ]}
            />
          )}
        </ReadAll>
      </Requires>
      {isNew && (
        <NewTokenDialog
          onClose={() => setIsNew(false)}
          onIssued={(token) => {
            setIsNew(false);
            setIssued(token);
          }}
        />
      )}
      {issued !== undefined && <IssuedTokenDialog token={issued} onClose={() => setIssued(undefined)} />}
      {deleted !== undefined && (
        <ConfirmChange
          question={`Delete the initial access token ${deleted.name ?? deleted.id}?`}
          action="Delete initial access token"
          operation={ifUnchanged(operations.initialAccessTokens.delete(deleted.id), deleted)}
          notice="Initial access token deleted"
          onClose={() => setDeleted(undefined)}
        >
          <p>It can no longer register clients. Clients that were registered with it are kept.</p>
        </ConfirmChange>
      )}
    </Page>
  );
}

interface NewTokenDialogProps {
  readonly onClose: () => void;
  readonly onIssued: (token: string) => void;
}

function NewTokenDialog({ onClose, onIssued }: NewTokenDialogProps) {
  const { values, field } = useForm({
    name: '',
    scopes: new Set() as ReadonlySet<string>,
    uses: '1',
    hours: '24',
  });
  const create = useChange(
    (admin) =>
      admin.initialAccessTokens.create({
        name: values.name === '' ? null : values.name,
        scopes: [...values.scopes],
        max_uses: Number(values.uses),
        expires_in_seconds: Number(values.hours) * 3_600,
      }),
    { onDone: ({ initial_access_token }) => onIssued(initial_access_token) },
  );
  return (
    <FormDialog title="New initial access token" call={create} action="Create token" onClose={onClose} wide>
      <TextField label="Name" {...field('name')} autoFocus maxLength={200} />
      <div className="form-columns">
        <TextField
          label="Clients that it can register"
          {...field('uses')}
          isRequired
          inputMode="numeric"
          pattern="[0-9]+"
        />
        <TextField label="Hours until it expires" {...field('hours')} isRequired inputMode="numeric" pattern="[0-9]+" />
      </div>
      <ScopePicker label="Scopes that clients may register for" {...field('scopes')} />
    </FormDialog>
  );
}

interface IssuedTokenDialogProps {
  readonly token: string;
  readonly onClose: () => void;
}

function IssuedTokenDialog({ token, onClose }: IssuedTokenDialogProps) {
  useLeaveGuard(true);
  return (
    <Dialog title="Initial access token created" onClose={onClose} mustAnswer>
      <Note tone="warning" title="It is shown only once">
        Store it in a safe place before you close this.
      </Note>
      <CodeBlock what="Initial access token" code={token} />
      <div className="row actions">
        <Button kind="primary" onPress={onClose}>
          I have stored it
        </Button>
      </div>
    </Dialog>
  );
}
