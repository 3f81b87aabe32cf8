/** The signing keys: which one signs, which comes next, and when. */
import { type KeyRotation, operations, type SigningKey } from '@postern/admin';
import { useState } from 'react';
import { ReadAll } from '../session/read.tsx';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { ConfirmChange, DangerRow } from '../shapes/confirm-change.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { SelectField } from '../ui/fields.tsx';
import { Empty } from '../ui/loaded.tsx';
import { Page, Section } from '../ui/page.tsx';
import { SortableTable } from '../ui/sortable-table.tsx';
import { Time } from '../ui/time.tsx';
import { KeyChart } from './key-chart.tsx';

export function KeysPage() {
  const session = useSession();
  const [rotating, setRotating] = useState(false);
  const [deleting, setDeleting] = useState<SigningKey>();
  const [isRevokingAll, setIsRevokingAll] = useState(false);
  const [revoking, setRevoking] = useState<SigningKey>();
  return (
    <Page
      title="Signing keys"
      description="They sign tokens, and APIs verify tokens with their public halves. They are rotated automatically."
      actions={
        session.may('key:rotate') && (
          <Button kind="primary" onPress={() => setRotating(true)}>
            Rotate now
          </Button>
        )
      }
    >
      <Requires scope="key:read">
        <ReadAll list={operations.keys.list()}>
          {(keys) => (
            <>
              <div className="panel card">
                <KeyChart keys={keys} />
              </div>
              <Section title="Schedule">
                <SortableTable
                  caption="Signing keys"
                  keyOf={({ kid }) => kid}
                  rows={keys.toReversed()}
                  empty={<Empty title="No signing keys" />}
                  columns={[
                    { title: 'Key', sortsBy: 'kid', cell: ({ kid }) => <code className="breakable">{kid}</code> },
                    { title: 'Algorithm', sortsBy: 'alg', cell: ({ alg }) => alg },
                    { title: 'Status', sortsBy: 'status', cell: ({ status }) => <StatusBadge status={status} /> },
                    { title: 'Created', sortsBy: '-created_at', cell: ({ created_at }) => <Time iso={created_at} /> },
                    {
                      title: 'Signs from',
                      sortsBy: '-signs_from',
                      cell: ({ signs_from }) => <Time iso={signs_from} />,
                    },
                    {
                      title: 'Signs until',
                      sortsBy: '-signs_until',
                      cell: ({ signs_until }) => <Time iso={signs_until} never="the next key signs" />,
                    },
                    {
                      title: 'Published until',
                      sortsBy: '-verifies_until',
                      cell: ({ verifies_until }) => <Time iso={verifies_until} never="not known yet" />,
                    },
                    ...(session.may('key:delete') || session.may('key:revoke')
                      ? [
                          {
                            title: 'Actions',
                            cell: (key: SigningKey) => (
                              <>
                                {session.may('key:delete') && key.status === 'next' && (
                                  <Button kind="danger" onPress={() => setDeleting(key)}>
                                    Delete
                                  </Button>
                                )}
                                {session.may('key:revoke') && (
                                  <Button kind="danger" onPress={() => setRevoking(key)}>
                                    Revoke
                                  </Button>
                                )}
                              </>
                            ),
                          },
                        ]
                      : []),
                  ]}
                />
              </Section>
              {rotating && (
                <RotateKey algorithms={[...new Set(keys.map(({ alg }) => alg))]} onClose={() => setRotating(false)} />
              )}
              {deleting && <DeleteKey signingKey={deleting} onClose={() => setDeleting(undefined)} />}
              {revoking && <RevokeKey signingKey={revoking} onClose={() => setRevoking(undefined)} />}
            </>
          )}
        </ReadAll>
      </Requires>
      {session.may('token:revoke') && (
        <Section title="Emergency">
          <div className="panel card">
            <DangerRow
              title="Revoke all tokens"
              description="Every token of every client that was issued so far, including yours. Clients can request new ones immediately."
            >
              <Button kind="danger" onPress={() => setIsRevokingAll(true)}>
                Revoke all tokens
              </Button>
            </DangerRow>
          </div>
        </Section>
      )}
      {isRevokingAll && (
        <ConfirmChange
          question="Revoke all tokens of all clients?"
          action="Revoke all tokens"
          operation={operations.tokens.revokeAll()}
          notice="All tokens revoked"
          onClose={() => setIsRevokingAll(false)}
        >
          <p>
            APIs reject them from now on. Use this in an emergency: if tokens were stolen, or after a backup was
            restored.
          </p>
        </ConfirmChange>
      )}
    </Page>
  );
}

function StatusBadge({ status }: { readonly status: string }) {
  switch (status) {
    case 'signing':
      return <Badge tone="good">signing</Badge>;
    case 'next':
      return <Badge tone="good">next</Badge>;
    default:
      return <Badge>verifying only</Badge>;
  }
}

interface EndKeyProps {
  readonly signingKey: SigningKey;
  readonly onClose: () => void;
}

function DeleteKey({ signingKey, onClose }: EndKeyProps) {
  return (
    <ConfirmChange
      question="Delete the signing key?"
      action="Delete key"
      operation={operations.keys.delete(signingKey.kid)}
      notice="Signing key deleted"
      onClose={onClose}
    >
      <ul className="consequences">
        <li>It has not signed any token. The key that signs now stays in use.</li>
      </ul>
    </ConfirmChange>
  );
}

function RevokeKey({ signingKey, onClose }: EndKeyProps) {
  return (
    <ConfirmChange
      question="Revoke the signing key?"
      action="Revoke key"
      operation={operations.keys.revoke(signingKey.kid)}
      notice="Signing key revoked"
      onClose={onClose}
    >
      <ul className="consequences">
        <li>
          All tokens that it signed are revoked: this server rejects them immediately, APIs that follow revocations
          within a second, other APIs when they fetch the keys again.
        </li>
        {signingKey.status === 'signing' && (
          <li>Another key signs immediately. APIs may refuse its tokens until they fetch the keys again.</li>
        )}
        {signingKey.status !== 'next' && <li>Callers must get new tokens, and you may have to sign in again.</li>}
      </ul>
    </ConfirmChange>
  );
}

interface RotateKeyProps {
  readonly algorithms: readonly string[];
  readonly onClose: () => void;
}

function RotateKey({ algorithms, onClose }: RotateKeyProps) {
  const [alg, setAlg] = useState('');
  return (
    <ConfirmChange
      question="Rotate the signing key?"
      action="Rotate now"
      operation={operations.keys.rotate(alg === '' ? {} : { alg: alg as NonNullable<KeyRotation['alg']> })}
      notice="The next signing key is published"
      onClose={onClose}
    >
      <ul className="consequences">
        <li>A new key is published immediately, and signs an hour later by default, when every API has it.</li>
        <li>
          The current key stays published until the last token that it signed has expired. No token becomes invalid.
        </li>
        <li>If a key has leaked, revoke it instead, with the tokens that it signed.</li>
      </ul>
      {algorithms.length > 1 && (
        <SelectField
          label="Algorithm"
          value={alg}
          onChange={setAlg}
          options={[{ value: '', label: 'The server’s default' }, ...algorithms]}
        />
      )}
    </ConfirmChange>
  );
}
