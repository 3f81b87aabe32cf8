/** Trusted issuers: their tokens authenticate workloads, which need no secret. RFC 7523 §2.1. */

import { operations, type TrustedIssuer } from '@postern/admin';
import { Link } from 'wouter';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useAll } from '../session/use-admin.ts';
import { LinkButton } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { Page } from '../ui/page.tsx';
import { formatDuration } from '../ui/time.tsx';

export function IssuersPage() {
  const session = useSession();
  const issuers = useAll(session.may('issuer:read') ? operations.issuers.list() : undefined);
  const mayWrite = session.may('issuer:create_or_update');
  return (
    <Page
      title="Trusted issuers"
      description="Systems that issue tokens to workloads. A workload exchanges such a token for one of a client, without a secret."
      actions={
        mayWrite && (
          <LinkButton href="/issuers/new" kind="primary">
            New issuer
          </LinkButton>
        )
      }
    >
      <Requires scope="issuer:read">
        <Loaded query={issuers}>
          {(items) =>
            items.length === 0 ? (
              <Empty title="No trusted issuers yet">
                <p>
                  GitHub Actions, Kubernetes and SPIFFE issue tokens to their workloads, which can be used instead of a
                  secret.
                </p>
                {mayWrite && <LinkButton href="/issuers/new">Create the first trusted issuer</LinkButton>}
              </Empty>
            ) : (
              <DataTable
                caption="Trusted issuers"
                keyOf={({ key }) => key}
                rows={items}
                columns={[
                  {
                    title: 'Issuer',
                    cell: ({ key, issuer }) => (
                      <div className="two-lines">
                        <Link href={`/issuers/${encodeURIComponent(key)}`} className="row-link">
                          {key}
                        </Link>
                        <code className="muted breakable">{issuer}</code>
                      </div>
                    ),
                  },
                  { title: 'Keys', cell: keySourceLabel },
                  { title: 'Maximum age', cell: ({ max_age_seconds }) => formatDuration(max_age_seconds) },
                  { title: 'Reuse', cell: ({ single_use }) => (single_use ? 'single use' : 'unlimited') },
                  { title: 'Rules', end: true, cell: ({ rules }) => rules.length },
                ]}
              />
            )
          }
        </Loaded>
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
