/** Trusted issuers: their tokens authenticate workloads, which need no secret. RFC 7523 §2.1. */
import { operations, type TrustedIssuer } from '@postern/admin';
import { Link } from 'wouter';
import { ReadAll } from '../session/read.tsx';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { LinkButton } from '../ui/button.tsx';
import { TwoLines } from '../ui/data-table.tsx';
import { Empty } from '../ui/loaded.tsx';
import { Page } from '../ui/page.tsx';
import { SortableTable } from '../ui/sortable-table.tsx';
import { formatDuration } from '../ui/time.tsx';

export function IssuersPage() {
  const mayWrite = useSession().may('issuer:create_or_update');
  return (
    <Page
      title="Trusted issuers"
      description="Systems that issue tokens to workloads. A workload exchanges such a token for a token of a client, without a secret."
      actions={
        mayWrite && (
          <LinkButton href="/create/issuers" kind="primary">
            New issuer
          </LinkButton>
        )
      }
    >
      <Requires scope="issuer:read">
        <ReadAll list={operations.issuers.list()}>
          {(issuers) => (
            <SortableTable
              caption="Trusted issuers"
              keyOf={({ key }) => key}
              rows={issuers}
              empty={
                <Empty title="No trusted issuers yet">
                  CI services, clouds, Kubernetes and SPIFFE issue tokens to their workloads, which can be used instead
                  of a secret.
                  {mayWrite && <LinkButton href="/create/issuers">Create the first trusted issuer</LinkButton>}
                </Empty>
              }
              columns={[
                {
                  title: 'Issuer',
                  sortsBy: 'key',
                  cell: ({ key, issuer }) => (
                    <TwoLines
                      first={
                        <Link href={`/issuers/${encodeURIComponent(key)}`} className="row-link">
                          {key}
                        </Link>
                      }
                      second={<code className="breakable">{issuer}</code>}
                    />
                  ),
                },
                { title: 'Keys', cell: keySourceLabel },
                {
                  title: 'Maximum age',
                  sortsBy: 'max_age_seconds',
                  cell: ({ max_age_seconds }) => formatDuration(max_age_seconds),
                },
                {
                  title: 'Reuse',
                  sortsBy: 'single_use',
                  cell: ({ single_use }) => (single_use ? 'single use' : 'unlimited'),
                },
                { title: 'Rules', end: true, sortsBy: '-rules', cell: ({ rules }) => rules.length },
              ]}
            />
          )}
        </ReadAll>
      </Requires>
    </Page>
  );
}

function keySourceLabel({ jwks, jwks_uri }: TrustedIssuer): string {
  if (jwks) {
    return 'inline';
  }
  return jwks_uri ? 'by URL' : 'by discovery';
}
