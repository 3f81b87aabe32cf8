/** Trusted issuers: whose tokens stand for a workload, so that it needs no secret. RFC 7523. */
import { Link } from 'wouter';
import type { TrustedIssuer } from '../api/contract.ts';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useAll } from '../session/use-api.ts';
import { LinkButton } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { Page } from '../ui/page.tsx';
import { sayDuration } from '../ui/time.tsx';

export function IssuersPage() {
  const session = useSession();
  const issuers = useAll<TrustedIssuer>(session.may('issuer:read') ? 'oauth/issuer' : undefined);
  const mayWrite = session.may('issuer:create_or_update');
  return (
    <Page
      title="Trusted issuers"
      description="Systems whose tokens say which workload calls: it gets a token of a client without having a secret."
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
              <Empty title="No issuer is trusted">
                <p>
                  GitHub Actions, Kubernetes and SPIFFE each give their workloads tokens that can take a secret’s place.
                </p>
                {mayWrite && <LinkButton href="/issuers/new">Trust the first issuer</LinkButton>}
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
                  { title: 'Keys', cell: sayKeys },
                  { title: 'Its tokens are taken for', cell: ({ max_age_seconds }) => sayDuration(max_age_seconds) },
                  { title: 'Used', cell: ({ single_use }) => (single_use ? 'once each' : 'any number of times') },
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

function sayKeys({ jwks, jwks_uri }: TrustedIssuer): string {
  if (jwks) {
    return 'given here';
  }
  return jwks_uri ? 'at an address' : 'by discovery';
}
