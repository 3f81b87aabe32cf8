/** The people who sign in at the identity provider: their roles, and whether they are signed in. docs/signing-in.md. */
import { operations, type Person } from '@postern/admin';
import { useState } from 'react';
import { Link } from 'wouter';
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

export function PeoplePage() {
  const session = useSession();
  const [ended, setEnded] = useState<Person>();
  return (
    <Page
      title="People"
      description="Who has signed in at the identity provider. At each sign-in it says who somebody is, and so which role they have."
    >
      <Requires scope="person:read">
        <ReadAll list={operations.people.list()}>
          {(people) => (
            <SortableTable
              caption="People"
              keyOf={({ id }) => id}
              rows={people}
              sort="-last_signed_in_at"
              empty={
                <Empty title="Nobody has signed in at the identity provider">
                  People sign in as themselves if the server has an identity provider (POSTERN_SIGN_IN_ISSUER).
                </Empty>
              }
              columns={[
                {
                  title: 'Person',
                  sortsBy: 'name',
                  cell: ({ id, name, email }) => (
                    <TwoLines
                      first={
                        session.may('audit:read') ? (
                          <Link href={`/audit?actor=${encodeURIComponent(id)}`} className="row-link">
                            {name}
                          </Link>
                        ) : (
                          <strong>{name}</strong>
                        )
                      }
                      second={email}
                    />
                  ),
                },
                {
                  title: 'Role',
                  sortsBy: 'role',
                  cell: ({ role }) => (role === null ? <Badge tone="warning">none</Badge> : <code>{role}</code>),
                },
                {
                  title: 'Provider',
                  sortsBy: 'issuer',
                  cell: ({ issuer, sub }) => (
                    <TwoLines
                      first={<code className="breakable">{issuer}</code>}
                      second={<code className="breakable">{sub}</code>}
                    />
                  ),
                },
                {
                  title: 'First sign-in',
                  sortsBy: '-first_signed_in_at',
                  cell: ({ first_signed_in_at }) => <Time iso={first_signed_in_at} />,
                },
                {
                  title: 'Last sign-in',
                  sortsBy: '-last_signed_in_at',
                  cell: ({ last_signed_in_at }) => <Time iso={last_signed_in_at} />,
                },
                {
                  title: 'Sessions',
                  end: true,
                  sortsBy: '-open_sessions',
                  cell: ({ open_sessions }) => open_sessions,
                },
                {
                  title: 'Actions',
                  end: true,
                  cell: (person) =>
                    session.may('token:revoke') &&
                    person.open_sessions > 0 && (
                      <Button small onPress={() => setEnded(person)} aria-label={`End sessions of ${person.name}`}>
                        End sessions
                      </Button>
                    ),
                },
              ]}
            />
          )}
        </ReadAll>
      </Requires>
      {ended !== undefined && (
        <ConfirmChange
          question={`End all sessions of ${ended.name}?`}
          action="End sessions"
          operation={operations.clients.revokeTokens(ended.id)}
          notice={`All sessions of ${ended.name} ended`}
          onClose={() => setEnded(undefined)}
        >
          <ul className="consequences">
            <li>
              {ended.id === session.clientId ? 'You are' : `${ended.name} is`} signed out of the console and the command
              everywhere, immediately.
            </li>
            <li>Whoever may still sign in at the identity provider can do so again.</li>
          </ul>
        </ConfirmChange>
      )}
    </Page>
  );
}
