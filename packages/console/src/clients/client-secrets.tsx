/** The secrets of a client: when they were used, and rotation with overlap. */

import { type Client, type ClientSecret, operations, type RotatedSecret, type SecretRotation } from '@postern/admin';
import { type FormEvent, useState } from 'react';
import { useSession } from '../session/session-context.tsx';
import { useAll, useChange } from '../session/use-admin.ts';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { ConfirmDialog, Dialog, FormActions } from '../ui/dialog.tsx';
import { SelectField } from '../ui/fields.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { ErrorNote, Note } from '../ui/note.tsx';
import { useNotice } from '../ui/notice.tsx';
import { Section } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { IssuedSecret } from './issued-secret.tsx';

export function ClientSecrets({ client }: { readonly client: Client }) {
  const session = useSession();
  const secrets = useAll(operations.secrets.list(client.client_id));
  const [rotating, setRotating] = useState(false);
  const [rotated, setRotated] = useState<RotatedSecret>();
  const [removed, setRemoved] = useState<ClientSecret>();
  const mayUpdate = session.may('client:update');

  return (
    <Section
      title="Secrets"
      description="Several can be valid at once, so that callers switch to a new one without an interruption."
      actions={
        mayUpdate && (
          <Button kind="primary" onPress={() => setRotating(true)}>
            Rotate secret
          </Button>
        )
      }
    >
      <Loaded query={secrets}>
        {(items) => (
          <>
            <Superseded secrets={items} />
            {items.length === 0 ? (
              <Empty title="No secret">
                <p>Without a secret the client cannot get tokens. Rotate to create one.</p>
              </Empty>
            ) : (
              <DataTable
                caption="Secrets"
                keyOf={({ secret_id }) => secret_id}
                rows={items.toReversed()}
                columns={[
                  { title: 'Ends in', cell: ({ last_four }) => <code>…{last_four}</code> },
                  { title: 'Created', cell: ({ created_at }) => <Time iso={created_at} /> },
                  { title: 'Last used', cell: ({ last_used_at }) => <Time iso={last_used_at} /> },
                  { title: 'Expires', cell: ({ expires_at }) => <Time iso={expires_at} /> },
                  {
                    title: 'Actions',
                    end: true,
                    cell: (secret) =>
                      mayUpdate && (
                        <Button
                          small
                          onPress={() => setRemoved(secret)}
                          aria-label={`Delete the secret that ends in ${secret.last_four}`}
                        >
                          Delete
                        </Button>
                      ),
                  },
                ]}
              />
            )}
          </>
        )}
      </Loaded>
      <Dialog title="Rotate secret" isOpen={rotating} onClose={() => setRotating(false)}>
        <RotateForm
          clientId={client.client_id}
          secrets={secrets.data ?? []}
          onClose={() => setRotating(false)}
          onRotated={(secret) => {
            setRotating(false);
            setRotated(secret);
          }}
        />
      </Dialog>
      <Dialog title="New secret" isOpen={rotated !== undefined} onClose={() => setRotated(undefined)} mustAnswer wide>
        {rotated !== undefined && (
          <div className="stack">
            <IssuedSecret clientId={client.client_id} clientSecret={rotated.client_secret} />
            {rotated.warnings.map((warning) => (
              <Note key={warning} kind="warning">
                {warning}
              </Note>
            ))}
            <div className="dialog-actions">
              <Button kind="primary" onPress={() => setRotated(undefined)}>
                I have stored it
              </Button>
            </div>
          </div>
        )}
      </Dialog>
      <DeleteSecret clientId={client.client_id} secret={removed} onClose={() => setRemoved(undefined)} />
    </Section>
  );
}

/** Says whether secrets older than the newest are still used. */
function Superseded({ secrets }: { readonly secrets: readonly ClientSecret[] }) {
  const newest = secrets.at(-1);
  const inUse = secrets.slice(0, -1).filter(({ last_used_at }) => last_used_at !== null);
  if (newest === undefined || secrets.length < 2) {
    return null;
  }
  const since = inUse.filter(({ last_used_at }) => (last_used_at ?? '') > newest.created_at);
  return since.length === 0 ? (
    <Note kind="good" title="The old secret is no longer used">
      Since …{newest.last_four} was created, no caller has used an older secret. It can be deleted.
    </Note>
  ) : (
    <Note kind="warning" title="An old secret is still used">
      <ul className="plain">
        {since.map(({ secret_id, last_four, last_used_at, expires_at }) => (
          <li key={secret_id}>
            <Badge tone="warning">…{last_four}</Badge> was last used <Time iso={last_used_at} />
            {expires_at === null ? (
              ', and is valid until it is deleted'
            ) : (
              <>
                , and expires <Time iso={expires_at} />
              </>
            )}
            .
          </li>
        ))}
      </ul>
    </Note>
  );
}

const overlaps = [
  { value: '3600', label: 'for 1 more hour' },
  { value: '86400', label: 'for 1 more day' },
  { value: '604800', label: 'for 7 more days' },
  { value: '2592000', label: 'for 30 more days' },
  { value: '', label: 'until it is deleted' },
  { value: '0', label: 'not at all: revoke it now' },
];

interface RotateFormProps {
  readonly clientId: string;
  readonly secrets: readonly ClientSecret[];
  readonly onClose: () => void;
  readonly onRotated: (secret: RotatedSecret) => void;
}

function RotateForm({ clientId, secrets, onClose, onRotated }: RotateFormProps) {
  const [overlap, setOverlap] = useState('86400');
  const rotate = useChange((admin, body: SecretRotation) => admin.secrets.rotate(clientId, body));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const done = await rotate.run(overlap === '' ? {} : { overlap_seconds: Number(overlap) });
    if (done !== undefined) {
      onRotated(done.value);
    }
  };
  const used = secrets.filter(({ last_used_at }) => last_used_at !== null).at(-1);
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <p>A new secret is created, and shown only once.</p>
      <SelectField label="The old secret stays valid" value={overlap} onChange={setOverlap} options={overlaps} />
      {used !== undefined && (
        <p className="hint">
          …{used.last_four} was last used <Time iso={used.last_used_at} />.
        </p>
      )}
      {overlap === '0' && (
        <Note kind="danger" title="For a secret that leaked">
          All other secrets and all tokens of the client are revoked. Its callers will fail until they have the new
          secret.
        </Note>
      )}
      <ErrorNote error={rotate.error} />
      <FormActions action="Rotate" pending={rotate.pending} onCancel={onClose} />
    </form>
  );
}

interface DeleteSecretProps {
  readonly clientId: string;
  readonly secret: ClientSecret | undefined;
  readonly onClose: () => void;
}

function DeleteSecret({ clientId, secret, onClose }: DeleteSecretProps) {
  const notify = useNotice();
  const remove = useChange((admin, id: string) => admin.secrets.delete(clientId, id));
  const close = () => {
    remove.reset();
    onClose();
  };
  const confirm = async (id: string) => {
    if ((await remove.run(id)) !== undefined) {
      notify('Secret deleted');
      close();
    }
  };
  return (
    <ConfirmDialog
      title={`Delete the secret that ends in ${secret?.last_four}?`}
      isOpen={secret !== undefined}
      onClose={close}
      action="Delete secret"
      onConfirm={() => secret !== undefined && void confirm(secret.secret_id)}
      pending={remove.pending}
      error={remove.error}
    >
      <p>
        Callers that still use it get no more tokens. It was last used <Time iso={secret?.last_used_at ?? null} />.
        Tokens that were issued for it remain valid until they expire.
      </p>
    </ConfirmDialog>
  );
}
