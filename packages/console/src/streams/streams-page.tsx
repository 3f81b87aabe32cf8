/** The event streams of all receivers: who gets events, and whether they take them. SSF 1.0 §8.1. */
import { operations, type ReceiverStream } from '@postern/admin';
import { useState } from 'react';
import { ClientLink } from '../clients/client-labels.tsx';
import { ReadAll } from '../session/read.tsx';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { ConfirmChange } from '../shapes/confirm-change.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { TwoLines } from '../ui/data-table.tsx';
import { Empty } from '../ui/loaded.tsx';
import { Page } from '../ui/page.tsx';
import { SortableTable } from '../ui/sortable-table.tsx';
import { Time } from '../ui/time.tsx';

export function StreamsPage() {
  const session = useSession();
  const [deleted, setDeleted] = useState<ReceiverStream>();
  return (
    <Page
      title="Event streams"
      description="Receivers of security events, such as revoked tokens, and whether the events arrive. Receivers create their own streams (Shared Signals)."
    >
      <Requires scope="stream:read">
        <ReadAll list={operations.streams.list()}>
          {(streams) => (
            <SortableTable
              caption="Event streams"
              keyOf={({ id }) => id}
              rows={streams}
              empty={
                <Empty title="No event streams">
                  A client with the scopes ssf.read and ssf.manage creates one at /api/v1/ssf/stream.
                </Empty>
              }
              columns={[
                {
                  title: 'Stream',
                  sortsBy: 'description',
                  cell: ({ id, description }) => (
                    <TwoLines
                      first={<strong>{description ?? 'No description'}</strong>}
                      second={<code className="breakable">{id}</code>}
                    />
                  ),
                },
                {
                  title: 'Receiver',
                  sortsBy: 'client_id',
                  cell: ({ client_id }) => <ClientLink client={{ client_id, name: null }} />,
                },
                {
                  title: 'Delivery',
                  cell: ({ delivery }) =>
                    delivery.method === 'urn:ietf:rfc:8935' ? (
                      <TwoLines first="Push" second={<code className="breakable">{delivery.endpoint_url}</code>} />
                    ) : (
                      'Poll'
                    ),
                },
                {
                  title: 'Status',
                  sortsBy: 'status',
                  cell: ({ status, reason, fault }) => (
                    <TwoLines
                      first={status === 'enabled' ? <Badge tone="good">enabled</Badge> : <Badge>{status}</Badge>}
                      second={reason ?? fault}
                    />
                  ),
                },
                { title: 'Created', sortsBy: '-created_at', cell: ({ created_at }) => <Time iso={created_at} /> },
                {
                  title: 'Actions',
                  end: true,
                  cell: (stream) =>
                    session.may('stream:delete') && (
                      <Button
                        small
                        onPress={() => setDeleted(stream)}
                        aria-label={`Delete ${stream.description ?? stream.id}`}
                      >
                        Delete
                      </Button>
                    ),
                },
              ]}
            />
          )}
        </ReadAll>
      </Requires>
      {deleted !== undefined && (
        <ConfirmChange
          question={`Delete the event stream ${deleted.description ?? deleted.id}?`}
          action="Delete event stream"
          operation={operations.streams.delete(deleted.id)}
          notice="Event stream deleted"
          onClose={() => setDeleted(undefined)}
        >
          <p>Its receiver gets no events until it creates another one.</p>
        </ConfirmChange>
      )}
    </Page>
  );
}
