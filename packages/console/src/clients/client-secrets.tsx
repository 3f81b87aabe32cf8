/** The secrets of a client: which there are, which are still used, and rotation with overlap. */
import { type FormEvent, useState } from 'react';
import type { Client, ClientSecret, RotatedSecret } from '../api/contract.ts';
import { useSession } from '../session/session-context.tsx';
import { useAll, useChange } from '../session/use-api.ts';
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
  const path = `oauth/client/${encodeURIComponent(client.client_id)}/secret`;
  const secrets = useAll<ClientSecret>(path);
  const [rotating, setRotating] = useState(false);
  const [rotated, setRotated] = useState<RotatedSecret>();
  const [removed, setRemoved] = useState<ClientSecret>();
  const mayUpdate = session.may('client:update');

  return (
    <Section
      title="Secrets"
      description="Several may be good at once, so that callers move from one to the next without a gap."
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
                <p>Without one the client cannot get a token. Rotating makes one.</p>
              </Empty>
            ) : (
              <DataTable
                caption="Secrets"
                keyOf={({ secret_id }) => secret_id}
                rows={items.toReversed()}
                columns={[
                  { title: 'Ends in', cell: ({ last_four }) => <code>…{last_four}</code> },
                  { title: 'Made', cell: ({ created_at }) => <Time iso={created_at} /> },
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
          path={path}
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
      <DeleteSecret path={path} secret={removed} onClose={() => setRemoved(undefined)} />
    </Section>
  );
}

/** Of the secrets before the newest: who still uses one. */
function Superseded({ secrets }: { readonly secrets: readonly ClientSecret[] }) {
  const newest = secrets.at(-1);
  const inUse = secrets.slice(0, -1).filter(({ last_used_at }) => last_used_at !== null);
  if (newest === undefined || secrets.length < 2) {
    return null;
  }
  const since = inUse.filter(({ last_used_at }) => (last_used_at ?? '') > newest.created_at);
  return since.length === 0 ? (
    <Note kind="good" title="The old secret is not used any more">
      Since …{newest.last_four} was made, nobody came with an older one. It can be deleted.
    </Note>
  ) : (
    <Note kind="warning" title="An old secret is still used">
      <ul className="plain">
        {since.map(({ secret_id, last_four, last_used_at, expires_at }) => (
          <li key={secret_id}>
            <Badge tone="warning">…{last_four}</Badge> was last used <Time iso={last_used_at} />
            {expires_at === null ? (
              ', and is good until it is deleted'
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
  { value: '3600', label: 'for 1 hour more' },
  { value: '86400', label: 'for 1 day more' },
  { value: '604800', label: 'for 7 days more' },
  { value: '2592000', label: 'for 30 days more' },
  { value: '', label: 'until it is deleted' },
  { value: '0', label: 'not at all: it ends now' },
];

interface RotateFormProps {
  readonly path: string;
  readonly secrets: readonly ClientSecret[];
  readonly onClose: () => void;
  readonly onRotated: (secret: RotatedSecret) => void;
}

function RotateForm({ path, secrets, onClose, onRotated }: RotateFormProps) {
  const [overlap, setOverlap] = useState('86400');
  const rotate = useChange((api, body: object) => api.send<RotatedSecret>('POST', path, body));
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
      <p>A new secret is made and shown once.</p>
      <SelectField label="The old one stays good" value={overlap} onChange={setOverlap} options={overlaps} />
      {used !== undefined && (
        <p className="hint">
          …{used.last_four} was last used <Time iso={used.last_used_at} />.
        </p>
      )}
      {overlap === '0' && (
        <Note kind="danger" title="For a secret that leaked">
          All other secrets end, and every token of the client is refused from now on. Its callers stand still until
          they have the new secret.
        </Note>
      )}
      <ErrorNote error={rotate.error} />
      <FormActions action="Rotate" pending={rotate.pending} onCancel={onClose} />
    </form>
  );
}

interface DeleteSecretProps {
  readonly path: string;
  readonly secret: ClientSecret | undefined;
  readonly onClose: () => void;
}

function DeleteSecret({ path, secret, onClose }: DeleteSecretProps) {
  const notify = useNotice();
  const remove = useChange((api, id: string) => api.send('DELETE', `${path}/${encodeURIComponent(id)}`));
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
        Whoever still has it gets no more tokens. It was last used <Time iso={secret?.last_used_at ?? null} />. Tokens
        that were issued for it live on until they expire.
      </p>
    </ConfirmDialog>
  );
}
