/** One client: its scopes and their usage, its secrets, its settings, and its activity. */

import { type Client, operations } from '@postern/admin';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { EventTable } from '../audit/event-table.tsx';
import { useEvents } from '../audit/use-events.ts';
import { Lacks, Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useRead } from '../session/use-admin.ts';
import { LinkButton } from '../ui/button.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { Page, Section } from '../ui/page.tsx';
import { ClientAccess } from './client-access.tsx';
import { authenticationLabel, clientPath, EnabledBadge, nameOf, usesSecret } from './client-labels.tsx';
import { ClientSecrets } from './client-secrets.tsx';
import { ClientSettings } from './client-settings.tsx';
import { DeleteClient } from './delete-client.tsx';

interface ClientPageProps {
  readonly clientId: string;
  readonly part: string;
}

export function ClientPage({ clientId, part }: ClientPageProps) {
  const session = useSession();
  const client = useRead(session.may('client:read') ? operations.clients.get(clientId) : undefined);
  const { data } = client;
  return (
    <Page
      key={clientId}
      title={data === undefined ? clientId : nameOf(data)}
      back={{ href: '/clients', title: 'Clients' }}
      description={data !== undefined && <Summary client={data} />}
    >
      <Requires scope="client:read">
        <nav className="tab-list" aria-label="Sections of the client">
          <PartLink part="" current={part} clientId={clientId}>
            Scopes and usage
          </PartLink>
          <PartLink part="secrets" current={part} clientId={clientId}>
            Secrets
          </PartLink>
          <PartLink part="settings" current={part} clientId={clientId}>
            Settings
          </PartLink>
          <PartLink part="activity" current={part} clientId={clientId}>
            Activity
          </PartLink>
        </nav>
        <Loaded query={client}>{(loaded) => <Part part={part} client={loaded} />}</Loaded>
      </Requires>
    </Page>
  );
}

function Summary({ client }: { readonly client: Client }) {
  return (
    <>
      {client.description !== null && <p>{client.description}</p>}
      <p className="row">
        <EnabledBadge enabled={client.enabled} />
        <code>{client.client_id}</code>
        <span className="muted">authenticates by {authenticationLabel(client)}</span>
      </p>
    </>
  );
}

interface PartLinkProps {
  readonly part: string;
  readonly current: string;
  readonly clientId: string;
  readonly children: ReactNode;
}

function PartLink({ part, current, clientId, children }: PartLinkProps) {
  const path = clientPath(clientId);
  return (
    <Link
      href={part === '' ? path : `${path}/${part}`}
      className="tab"
      aria-current={part === current ? 'page' : undefined}
    >
      {children}
    </Link>
  );
}

function Part({ part, client }: { readonly part: string; readonly client: Client }) {
  switch (part) {
    case 'secrets':
      return usesSecret(client) ? (
        <ClientSecrets client={client} />
      ) : (
        <Empty title={`This client authenticates by ${authenticationLabel(client)} and has no secret`} />
      );
    case 'settings':
      return (
        <>
          <ClientSettings client={client} />
          <DeleteClient client={client} />
        </>
      );
    case 'activity':
      return <ClientActivity clientId={client.client_id} />;
    default:
      return <ClientAccess client={client} />;
  }
}

function ClientActivity({ clientId }: { readonly clientId: string }) {
  const session = useSession();
  const events = useEvents({ subject: clientId, size: 50 });
  return session.may('audit:read') ? (
    <Section
      title="Changes to this client"
      actions={<LinkButton href={`/audit?actor=${encodeURIComponent(clientId)}`}>Changes by this client</LinkButton>}
    >
      <Loaded query={events}>{({ items }) => <EventTable events={items} />}</Loaded>
    </Section>
  ) : (
    <Lacks scope="audit:read" />
  );
}
