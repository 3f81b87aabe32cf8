/** The secrets of a client: when they were used, and rotation with overlap. */
import { type Client, type ClientSecret, ifUnchanged, operations, type RotatedSecret } from '@postern/admin';
import { type ReactNode, useState } from 'react';
import { useSession } from '../session/session-context.tsx';
import { useAll, useChange } from '../session/use-admin.ts';
import { ConfirmChange } from '../shapes/confirm-change.tsx';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { SelectField } from '../ui/fields.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { Note } from '../ui/note.tsx';
import { Section } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { IssuedSecret } from './issued-secret.tsx';

/** Stands for the last characters of a secret that moved here and was not used yet, or is short. */
const unknownEnd = '????';

export function ClientSecrets({ client: { client_id: clientId } }: { readonly client: Client }) {
  const secrets = useAll(operations.secrets.list(clientId));
  const [dialog, setDialog] = useState<ReactNode>();
  const close = () => setDialog(undefined);
  const show = (rotated: RotatedSecret) =>
    setDialog(<NewSecretDialog clientId={clientId} rotated={rotated} onClose={close} />);
  const rotate = () =>
    setDialog(<RotateDialog clientId={clientId} secrets={secrets.data ?? []} onClose={close} onRotated={show} />);
  const confirmDeletion = (secret: ClientSecret) => {
    const { secret_id, last_four, last_used_at } = secret;
    setDialog(
      <ConfirmChange
        question={`Delete the secret that ends in ${last_four ?? unknownEnd}?`}
        action="Delete secret"
        operation={ifUnchanged(operations.secrets.delete(clientId, secret_id), secret)}
        notice="Secret deleted"
        onClose={close}
      >
        <p>
          Callers that still use it get no more tokens. It was last used <Time iso={last_used_at} />. Tokens that were
          issued for it remain valid until they expire.
        </p>
      </ConfirmChange>,
    );
  };
  const mayUpdate = useSession().may('client:update');
  return (
    <Section
      title="Secrets"
      description="Several can be valid at once, so that callers switch to a new one without an interruption."
      actions={
        mayUpdate && (
          <Button kind="primary" onPress={rotate}>
            Rotate secret
          </Button>
        )
      }
    >
      <Loaded query={secrets}>
        {(items) => (
          <>
            <Superseded secrets={items} />
            <DataTable
              caption="Secrets"
              keyOf={({ secret_id }) => secret_id}
              rows={items.toReversed()}
              empty={
                <Empty title="No secret">Without a secret the client cannot get tokens. Rotate to create one.</Empty>
              }
              columns={[
                { title: 'Ends in', cell: ({ last_four }) => <code>…{last_four ?? unknownEnd}</code> },
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
                        onPress={() => confirmDeletion(secret)}
                        aria-label={`Delete the secret that ends in ${secret.last_four ?? unknownEnd}`}
                      >
                        Delete
                      </Button>
                    ),
                },
              ]}
            />
          </>
        )}
      </Loaded>
      {dialog}
    </Section>
  );
}

interface NewSecretDialogProps {
  readonly clientId: string;
  readonly rotated: RotatedSecret;
  readonly onClose: () => void;
}

function NewSecretDialog({ clientId, rotated, onClose }: NewSecretDialogProps) {
  return (
    <Dialog title="New secret" onClose={onClose} mustAnswer wide>
      {rotated.client_secret !== undefined && <IssuedSecret clientId={clientId} clientSecret={rotated.client_secret} />}
      {rotated.warnings.map((warning) => (
        <Note key={warning} tone="warning">
          {warning}
        </Note>
      ))}
      <div className="row actions">
        <Button kind="primary" onPress={onClose}>
          I have stored it
        </Button>
      </div>
    </Dialog>
  );
}

/** Says whether secrets older than the newest are still used. */
function Superseded({ secrets }: { readonly secrets: readonly ClientSecret[] }) {
  const newest = secrets.at(-1);
  if (newest === undefined || secrets.length < 2) {
    return null;
  }
  const inUse = secrets.slice(0, -1).filter(({ last_used_at }) => (last_used_at ?? '') > newest.created_at);
  return inUse.length === 0 ? (
    <Note tone="good" title="The old secret is no longer used">
      Since …{newest.last_four ?? unknownEnd} was created, no caller has used an older secret. It can be deleted.
    </Note>
  ) : (
    <Note tone="warning" title="An old secret is still used">
      <ul className="stack">
        {inUse.map(({ secret_id, last_four, last_used_at, expires_at }) => (
          <li key={secret_id}>
            <Badge tone="warning">…{last_four ?? unknownEnd}</Badge> was last used <Time iso={last_used_at} />
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

interface RotateDialogProps {
  readonly clientId: string;
  readonly secrets: readonly ClientSecret[];
  readonly onClose: () => void;
  readonly onRotated: (secret: RotatedSecret) => void;
}

function RotateDialog({ clientId, secrets, onClose, onRotated }: RotateDialogProps) {
  const { values, field } = useForm({ overlap: '86400' });
  const { overlap } = values;
  const rotate = useChange(
    (admin) => admin.secrets.rotate(clientId, overlap === '' ? {} : { overlap_seconds: Number(overlap) }),
    { onDone: onRotated },
  );
  const used = secrets.findLast(({ last_used_at }) => last_used_at !== null);
  return (
    <FormDialog title="Rotate secret" call={rotate} action="Rotate" onClose={onClose}>
      <p>A new secret is created, and shown only once.</p>
      <SelectField label="The old secret stays valid" {...field('overlap')} options={overlaps} />
      {used !== undefined && (
        <p className="hint">
          …{used.last_four ?? unknownEnd} was last used <Time iso={used.last_used_at} />.
        </p>
      )}
      {overlap === '0' && (
        <Note tone="danger" title="For a secret that leaked">
          All other secrets and all tokens of the client are revoked. Its callers will fail until they have the new
          secret.
        </Note>
      )}
    </FormDialog>
  );
}
