/** The secrets of a client: when they were used, and rotation with overlap. */
import { type Client, type ClientSecret, ifUnchanged, operations, type RotatedSecret } from '@postern/admin';
import { type ReactNode, useState } from 'react';
import { useSession } from '../session/session-context.tsx';
import { useAll, useChange } from '../session/use-admin.ts';
import { ConfirmChange } from '../shapes/confirm-change.tsx';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { Button } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { SelectField } from '../ui/fields.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { Note } from '../ui/note.tsx';
import { Section } from '../ui/page.tsx';
import { ExactTime, formatDuration, Time } from '../ui/time.tsx';
import { IssuedSecret } from './issued-secret.tsx';

/** Stands for the last characters of a secret that moved here and was not used yet, or is short. */
const unknownEnd = '????';

/** How often the uses are read again while the page is open. */
const refreshMs = 5_000;

export function ClientSecrets({ client }: { readonly client: Client }) {
  const { client_id: clientId } = client;
  const secrets = useAll(operations.secrets.list(clientId), { refreshMs });
  const [dialog, setDialog] = useState<ReactNode>();
  const close = () => setDialog(undefined);
  const show = (rotated: RotatedSecret) =>
    setDialog(<NewSecretDialog client={client} rotated={rotated} onClose={close} />);
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
                <Empty title="No secret">
                  Without a secret the client cannot get tokens.
                  {mayUpdate && <Button onPress={rotate}>Create a secret</Button>}
                </Empty>
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
  readonly client: Client;
  readonly rotated: RotatedSecret;
  readonly onClose: () => void;
}

function NewSecretDialog({ client, rotated, onClose }: NewSecretDialogProps) {
  return (
    <Dialog title="New secret" onClose={onClose} mustAnswer wide>
      {rotated.client_secret !== undefined && (
        <IssuedSecret
          clientId={client.client_id}
          clientSecret={rotated.client_secret}
          resource={client.default_resource ?? client.resources?.[0]}
        />
      )}
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

/** Says whether older secrets are still used, and until when that is known. */
function Superseded({ secrets }: { readonly secrets: readonly ClientSecret[] }) {
  const newest = secrets.at(-1);
  const old = secrets.filter(({ use }) => use !== 'current' && use !== 'expired');
  if (newest === undefined || old.length === 0) {
    return null;
  }
  const token = formatDuration(newest.token_seconds);
  return (
    <>
      {(['in_use', 'unknown', 'unused'] as const).map((use) => {
        const some = old.filter((secret) => secret.use === use);
        return (
          some.length > 0 && (
            <Note key={use} tone={useTones[use]} title={useTitles[use]}>
              <ul className="stack">
                {some.map((secret) => (
                  <li key={secret.secret_id}>
                    <OldSecret secret={secret} />
                  </li>
                ))}
              </ul>
              {use === 'unknown' && (
                <p>
                  A token lasts up to {token}, and a caller needs its secret again after that. An old secret counts as
                  unused once the new one has been used and the old one has not been used for that long.
                </p>
              )}
              {use === 'unused' && (
                <p>
                  The new secret is in use, and the old one has not been used for {token}, which is as long as a token
                  lasts. It can be deleted. A caller that requests tokens less often may still have it.
                </p>
              )}
            </Note>
          )
        );
      })}
      <p className="hint">
        This includes all uses until <ExactTime iso={newest.use_known_until} />.
      </p>
    </>
  );
}

const useTones = { in_use: 'warning', unknown: 'neutral', unused: 'good' } as const;

const useTitles = {
  in_use: 'An old secret is still used',
  unknown: 'It is not known yet whether the old secret is still used',
  unused: 'The old secret is no longer used',
} as const;

function OldSecret({ secret: { last_four, last_used_at, expires_at } }: { readonly secret: ClientSecret }) {
  return (
    <>
      <code>…{last_four ?? unknownEnd}</code>{' '}
      {last_used_at === null ? (
        'was never used'
      ) : (
        <>
          was last used <Time iso={last_used_at} />
        </>
      )}
      {expires_at === null ? (
        ', and is valid until it is deleted'
      ) : (
        <>
          , and expires <Time iso={expires_at} />
        </>
      )}
      .
    </>
  );
}

const overlaps = [
  { seconds: 3_600, label: 'for 1 more hour' },
  { seconds: 86_400, label: 'for 1 more day' },
  { seconds: 604_800, label: 'for 7 more days' },
  { seconds: 2_592_000, label: 'for 30 more days' },
];

const noExpiry = '';
const atOnce = '0';

/** The shortest overlap that lasts as long as a token: then every caller needs a secret, and shows which it has. */
function recommendedOverlap(tokenSeconds: number): string {
  return String(overlaps.find(({ seconds }) => seconds >= tokenSeconds)?.seconds ?? noExpiry);
}

interface RotateDialogProps {
  readonly clientId: string;
  readonly secrets: readonly ClientSecret[];
  readonly onClose: () => void;
  readonly onRotated: (secret: RotatedSecret) => void;
}

function RotateDialog({ clientId, secrets, onClose, onRotated }: RotateDialogProps) {
  const tokenSeconds = secrets.at(-1)?.token_seconds ?? 0;
  const { values, field } = useForm({ overlap: recommendedOverlap(tokenSeconds) });
  const { overlap } = values;
  const rotate = useChange(
    (admin) => admin.secrets.rotate(clientId, overlap === noExpiry ? {} : { overlap_seconds: Number(overlap) }),
    { onDone: onRotated },
  );
  const used = secrets.findLast(({ last_used_at }) => last_used_at !== null);
  return (
    <FormDialog title="Rotate secret" call={rotate} action="Rotate" onClose={onClose}>
      <p>A new secret is created, and shown only once.</p>
      <SelectField
        label="The old secret stays valid"
        {...field('overlap')}
        options={[
          ...overlaps.map(({ seconds, label }) => ({ value: String(seconds), label })),
          { value: noExpiry, label: 'until it is deleted' },
          { value: atOnce, label: 'not at all: revoke it now' },
        ]}
      />
      {overlap !== noExpiry && overlap !== atOnce && Number(overlap) < tokenSeconds && (
        <Note tone="warning" title="Shorter than the lifetime of a token">
          Tokens last up to {formatDuration(tokenSeconds)}. A caller that has one needs its secret only after that, when
          the old secret no longer works.
        </Note>
      )}
      {used !== undefined && (
        <p className="hint">
          …{used.last_four ?? unknownEnd} was last used <Time iso={used.last_used_at} />.
        </p>
      )}
      {overlap === atOnce && (
        <Note tone="danger" title="For a secret that leaked">
          All other secrets and all tokens of the client are revoked. Its callers will fail until they have the new
          secret.
        </Note>
      )}
    </FormDialog>
  );
}
