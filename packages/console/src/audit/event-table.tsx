/** A table of events: when, what, on what, by whom, and the details. */
import {
  type AuditEvent,
  type AuditPage,
  findMemberChanges,
  hasMembers,
  type MemberChange,
  membersIn,
  remarksOn,
} from '@postern/admin';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { useSession } from '../session/session-context.tsx';
import { DataTable, TwoLines } from '../ui/data-table.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { ExactTime } from '../ui/time.tsx';
import { isAboutClient, kindLabel } from './event-labels.ts';

type Names = NonNullable<AuditPage['names']>;

interface EventTableProps {
  readonly events: readonly AuditEvent[];
  readonly names: Names | undefined;
}

export function EventTable({ events, names = {} }: EventTableProps) {
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
        {
          title: 'On',
          cell: ({ kind, subject }) => (
            <Named
              id={subject}
              names={names}
              href={isAboutClient(kind) ? `/clients/${encodeURIComponent(subject)}` : undefined}
            />
          ),
        },
        {
          title: 'By',
          cell: ({ actor }) => <Named id={actor} names={names} href={`/audit?actor=${encodeURIComponent(actor)}`} />,
        },
        { title: 'Details', cell: (event) => <Details event={event} /> },
      ]}
    />
  );
}

interface NamedProps {
  readonly id: string;
  readonly names: Names;
  /** Where a link leads, if that exists. */
  readonly href: string | undefined;
}

/** A client or person by name and id. What was deleted has its last name, and no link. */
function Named({ id, names, href }: NamedProps) {
  const known = Object.hasOwn(names, id) ? names[id] : undefined;
  const code = <code className="breakable">{id}</code>;
  const name = known?.name ?? code;
  return (
    <TwoLines
      first={known?.deleted === false && href !== undefined ? <Link href={href}>{name}</Link> : name}
      second={
        <>
          {typeof known?.name === 'string' && code}
          {known?.deleted === true && ' deleted'}
        </>
      }
    />
  );
}

/** What an event changed is read when somebody opens it. */
function Details({ event }: { readonly event: AuditEvent }) {
  const [isOpen, setIsOpen] = useState(false);
  const members = membersIn(event);
  return members.length === 0 && !hasMembers(event) ? (
    <span className="muted">–</span>
  ) : (
    <details onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
      <summary>{members.length === 0 ? 'Previous values' : members.join(', ')}</summary>
      {isOpen && (
        <>
          {remarksOn(event).map((sentence) => (
            <p key={sentence}>{sentence}</p>
          ))}
          <Changes event={event} />
        </>
      )}
    </details>
  );
}

function Changes({ event }: { readonly event: AuditEvent }) {
  const { admin } = useSession();
  const changes = useQuery({
    queryKey: ['changes', event.sequence, event.hash],
    // A query has an answer, and undefined is none.
    queryFn: async () => (await findMemberChanges(admin, event)) ?? null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Loaded query={changes}>
      {(found) =>
        found === null ? (
          <pre>{JSON.stringify(event.data, null, 2)}</pre>
        ) : found.length === 0 ? (
          <p className="hint">Nothing changed: all values were the same before.</p>
        ) : (
          <dl className="changes">
            {found.map((change) => (
              <MemberChangeItem key={change.name} change={change} />
            ))}
          </dl>
        )
      }
    </Loaded>
  );
}

function MemberChangeItem({ change: { name, before, after } }: { readonly change: MemberChange }) {
  return (
    <div>
      <dt>
        <code>{name}</code>
      </dt>
      {before !== undefined && (
        <dd>
          Before: <code className="breakable">{toText(before)}</code>
        </dd>
      )}
      <dd>
        {after === undefined ? (
          'After: –'
        ) : (
          <>
            After: <code className="breakable">{toText(after)}</code>
          </>
        )}
      </dd>
    </div>
  );
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
