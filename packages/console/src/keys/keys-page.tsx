/** The signing keys: which one signs, which comes next, and when. */

import { type KeyRotation, operations } from '@postern/admin';
import { useState } from 'react';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useAll, useChange } from '../session/use-admin.ts';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { ConfirmDialog } from '../ui/dialog.tsx';
import { SelectField } from '../ui/fields.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { useNotice } from '../ui/notice.tsx';
import { Page, Section } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { KeyChart } from './key-chart.tsx';

export function KeysPage() {
  const session = useSession();
  const [rotating, setRotating] = useState(false);
  const keys = useAll(session.may('key:read') ? operations.keys.list() : undefined);
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
        <Loaded query={keys}>
          {(items) => (
            <>
              <div className="card">
                <KeyChart keys={items} />
              </div>
              <Section title="Schedule">
                <DataTable
                  caption="Signing keys"
                  keyOf={({ kid }) => kid}
                  rows={items.toReversed()}
                  columns={[
                    { title: 'Key', cell: ({ kid }) => <code className="breakable">{kid}</code> },
                    { title: 'Algorithm', cell: ({ alg }) => alg },
                    { title: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
                    { title: 'Created', cell: ({ created_at }) => <Time iso={created_at} /> },
                    { title: 'Signs from', cell: ({ signs_from }) => <Time iso={signs_from} /> },
                    {
                      title: 'Signs until',
                      cell: ({ signs_until }) => <Time iso={signs_until} never="the next key signs" />,
                    },
                    {
                      title: 'Published until',
                      cell: ({ verifies_until }) => <Time iso={verifies_until} never="not known yet" />,
                    },
                  ]}
                />
              </Section>
              <RotateKey
                algorithms={[...new Set(items.map(({ alg }) => alg))]}
                isOpen={rotating}
                onClose={() => setRotating(false)}
              />
            </>
          )}
        </Loaded>
      </Requires>
    </Page>
  );
}

function StatusBadge({ status }: { readonly status: string }) {
  switch (status) {
    case 'signing':
      return <Badge tone="good">signing</Badge>;
    case 'next':
      return <Badge tone="accent">next</Badge>;
    default:
      return <Badge>only verifying</Badge>;
  }
}

interface RotateKeyProps {
  readonly algorithms: readonly string[];
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

function RotateKey({ algorithms, isOpen, onClose }: RotateKeyProps) {
  const notify = useNotice();
  const [alg, setAlg] = useState('');
  const rotate = useChange((admin, body: KeyRotation) => admin.keys.rotate(body));
  const close = () => {
    rotate.reset();
    onClose();
  };
  const confirm = async () => {
    if ((await rotate.run(alg === '' ? {} : { alg: alg as KeyRotation['alg'] })) !== undefined) {
      notify('The next signing key is published');
      close();
    }
  };
  return (
    <ConfirmDialog
      title="Rotate the signing key?"
      isOpen={isOpen}
      onClose={close}
      action="Rotate now"
      onConfirm={() => void confirm()}
      pending={rotate.pending}
      error={rotate.error}
    >
      <ul className="consequences">
        <li>A new key is published immediately, and signs ten minutes later, when every API has it.</li>
        <li>
          The current key stays published until the last token that it signed has expired. No token becomes invalid.
        </li>
        <li>If a key leaked, tokens that others signed with it remain valid until it is no longer published.</li>
      </ul>
      {algorithms.length > 1 && (
        <SelectField
          label="Algorithm"
          value={alg}
          onChange={setAlg}
          options={[
            { value: '', label: 'The server’s default' },
            ...algorithms.map((name) => ({ value: name, label: name })),
          ]}
        />
      )}
    </ConfirmDialog>
  );
}
