/** The overview: tokens issued and requests rejected, active clients, signing keys, unused scopes. */

import { operations } from '@postern/admin';
import { clientWarningDays } from '@postern/protocol/api-limits';
import { Link, useSearchParams } from 'wouter';
import { ClientLink, nameOf } from '../clients/client-labels.tsx';
import { KeyChart } from '../keys/key-chart.tsx';
import { ScopeList } from '../scopes/scope-list.tsx';
import { ReadAll, ReadOne } from '../session/read.tsx';
import { Lacks } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useAll } from '../session/use-admin.ts';
import { Badge } from '../ui/badge.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { SelectField } from '../ui/fields.tsx';
import { Empty } from '../ui/loaded.tsx';
import { Note } from '../ui/note.tsx';
import { Facts, Page, Section } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { unusedDays } from '../usage/unused-days.ts';
import { FirstRun } from './first-run.tsx';
import { sumUp, type Totals, toPeriods } from './statistics.ts';
import { TrafficChart } from './traffic-chart.tsx';

const ranges = [
  { value: '24', label: 'Last 24 hours' },
  { value: '168', label: 'Last 7 days' },
  { value: '720', label: 'Last 30 days' },
  { value: '2160', label: 'Last 90 days' },
];

/** Bars that fit into a chart. */
const maxBars = 45;

export function OverviewPage() {
  const session = useSession();
  const [params, setParams] = useSearchParams();
  const hours = ranges.find(({ value }) => value === params.get('hours'))?.value ?? '24';
  return (
    <Page
      title="Overview"
      actions={
        session.may('audit:read') && (
          <SelectField
            label="Time range"
            labelHidden
            value={hours}
            options={ranges}
            onChange={(value) => setParams({ hours: value }, { replace: true })}
          />
        )
      }
    >
      <Waiting />
      {session.may('audit:read') ? (
        <Traffic hours={Number(hours)} />
      ) : (
        <Lacks scope="audit:read" to="see how many tokens were issued" />
      )}
      {session.may('key:read') && <Keys />}
      {session.may('client:read') && <Unused />}
    </Page>
  );
}

function Traffic({ hours }: { readonly hours: number }) {
  return (
    <ReadOne operation={operations.statistics.get({ hours })}>
      {({ buckets, clients, busiest_secret_clients: [next] }) => {
        const totals = sumUp(buckets);
        const disabled = clients.total - clients.enabled;
        return (
          <>
            {clients.total === 0 && <FirstRun />}
            {clients.expiring > 0 && <Expiring clients={clients.expiring} />}
            <Facts
              large
              facts={[
                ['Tokens issued', totals.issued.toLocaleString('en')],
                ['Requests rejected', totals.refused.toLocaleString('en'), formatRate(totals)],
                [
                  'With a shared secret',
                  totals.issued === 0 ? '0 %' : `${Math.round((totals.issuedBySecret / totals.issued) * 100)} %`,
                  next === undefined
                    ? 'no client with a secret got a token'
                    : `of all tokens; move ${nameOf(next)} to a key next`,
                ],
                ['Active clients', clients.active.toLocaleString('en'), 'got a token in this period'],
                [
                  'Clients',
                  clients.total.toLocaleString('en'),
                  disabled === 0 ? 'all enabled' : `${disabled} disabled`,
                ],
              ]}
            />
            <div className="split">
              <Section title="Token requests">
                <div className="panel card">
                  <TrafficChart periods={toPeriods(buckets, maxBars)} byHour={hours <= 24} />
                </div>
              </Section>
              <Section title="Reasons for rejection" actions={<Link href="/failures">Which clients</Link>}>
                <div className="panel card">
                  <Reasons totals={totals} />
                </div>
              </Section>
            </div>
          </>
        );
      }}
    </ReadOne>
  );
}

/** Clients that are known by their metadata document and that nobody has approved. */
function Waiting() {
  const pending = operations.clientDocuments.list({ status: 'pending' });
  const { length } = useAll(pending, { needs: 'client_document:read' }).data ?? [];
  return length === 0 ? null : (
    <Note tone="warning">
      <Link href="/client-documents">
        {length === 1 ? '1 client waits' : `${length.toLocaleString('en')} clients wait`} for approval
      </Link>
      . They get no tokens until then.
    </Note>
  );
}

function Expiring({ clients }: { readonly clients: number }) {
  return (
    <Note tone="warning">
      <Link href={`/clients?enabled=true&expires_within_days=${clientWarningDays}`}>
        {clients === 1 ? '1 enabled client has' : `${clients.toLocaleString('en')} enabled clients have`} expired, or
        will within {clientWarningDays} days
      </Link>
      . They get no tokens from then on.
    </Note>
  );
}

function formatRate({ issued, refused }: Totals): string {
  const all = issued + refused;
  return all === 0 ? 'no requests' : `${((refused / all) * 100).toFixed(1)}% of all requests`;
}

function Reasons({ totals }: { readonly totals: Totals }) {
  const most = totals.reasons[0]?.[1] ?? 0;
  return totals.reasons.length === 0 ? (
    <Empty title="No requests were rejected" />
  ) : (
    <ul className="reasons">
      {totals.reasons.slice(0, 7).map(([reason, count]) => (
        <li key={reason}>
          <span className="row spread">
            <Link href={`/failures?reason=${encodeURIComponent(reason)}`}>{reason.replaceAll('_', ' ')}</Link>
            <span>{count.toLocaleString('en')}</span>
          </span>
          <svg className="reason-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
            <rect className="chart-refused" width={(count / most) * 100} height="4" />
          </svg>
        </li>
      ))}
    </ul>
  );
}

function Keys() {
  return (
    <Section
      title="Signing keys"
      description="When each key is published, signs tokens, and only verifies older ones."
      actions={<Link href="/keys">All keys</Link>}
    >
      <ReadAll list={operations.keys.list()}>
        {(keys) => (
          <div className="panel card">
            <KeyChart keys={keys} />
          </div>
        )}
      </ReadAll>
    </Section>
  );
}

function Unused() {
  return (
    <Section
      title="Unused scopes"
      description={`Scopes that a client has, but that none of its tokens had in the last ${unusedDays} days. Remove them, unless the client is newer than that.`}
    >
      <ReadOne operation={operations.usage.listUnusedScopes({ days: unusedDays, size: 10 })}>
        {({ items, total }) => (
          <>
            <DataTable
              caption="Clients with unused scopes"
              keyOf={({ client_id }) => client_id}
              rows={items}
              empty={<Empty title="No client has a scope that it does not use" />}
              columns={[
                { title: 'Client', cell: (client) => <ClientLink client={client} /> },
                { title: 'Last token', cell: ({ last_issued_at }) => <Time iso={last_issued_at} /> },
                { title: 'Created', cell: ({ created_at }) => <Time iso={created_at} /> },
                {
                  title: 'Finding',
                  cell: ({ too_young }) =>
                    too_young ? <Badge>too new to tell</Badge> : <Badge tone="warning">can be removed</Badge>,
                },
                { title: 'Unused scopes', cell: ({ scopes }) => <ScopeList scopes={scopes} /> },
              ]}
            />
            {total > items.length && <p className="hint">{total - items.length} more clients have unused scopes.</p>}
          </>
        )}
      </ReadOne>
    </Section>
  );
}
