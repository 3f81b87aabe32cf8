/** A table of events: when, what, on what, by whom, and the details. */

import type { AuditEvent } from '@postern/admin';
import { DataTable, TwoLines } from '../ui/data-table.tsx';
import { Empty } from '../ui/loaded.tsx';
import { ExactTime } from '../ui/time.tsx';
import { ClientReference } from './client-reference.tsx';
import { isAboutClient, kindLabel } from './event-labels.ts';

export function EventTable({ events }: { readonly events: readonly AuditEvent[] }) {
  return (
    <DataTable
      caption="Events, newest first"
      keyOf={({ sequence }) => String(sequence)}
      rows={events}
      empty={
        <Empty title="No events">
          Every change to clients, secrets, scopes, keys and the validity of tokens is listed here.
        </Empty>
      }
      columns={[
        {
          title: 'When',
          cell: ({ occurred_at, sequence }) => (
            <TwoLines first={<ExactTime iso={occurred_at} />} second={`#${sequence}`} />
          ),
        },
        { title: 'What', cell: ({ kind }) => <TwoLines first={kindLabel(kind)} second={<code>{kind}</code>} /> },
        { title: 'On', cell: (event) => <Subject event={event} /> },
        {
          title: 'By',
          cell: ({ actor }) => <ClientReference id={actor} href={`/audit?actor=${encodeURIComponent(actor)}`} />,
        },
        { title: 'Details', cell: ({ data }) => <Details data={data} /> },
      ]}
    />
  );
}

function Subject({ event: { kind, subject } }: { readonly event: AuditEvent }) {
  return isAboutClient(kind) ? (
    <ClientReference id={subject} href={`/clients/${encodeURIComponent(subject)}`} />
  ) : (
    <code className="breakable">{subject}</code>
  );
}

function Details({ data }: { readonly data: AuditEvent['data'] }) {
  return Object.keys(data).length === 0 ? (
    <span className="muted">–</span>
  ) : (
    <details>
      <summary>{Object.keys(data).join(', ')}</summary>
      <pre>{JSON.stringify(data, null, 2)}</pre>
    </details>
  );
}
