/** One client: its scopes and their usage, its secrets, its settings, and its activity. */
import { type Client, operations } from '@postern/admin';
import { Link } from 'wouter';
import { clientPath } from '../api/address.ts';
import { EventTable } from '../audit/event-table.tsx';
import { useEvents } from '../audit/use-events.ts';
import { Lacks, Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useRead } from '../session/use-admin.ts';
import { LinkButton } from '../ui/button.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { Page, Section } from '../ui/page.tsx';
import { ClientAccess } from './client-access.tsx';
import { ClientAuthentication } from './client-authentication.tsx';
import {
  authenticationLabel,
  ContactLink,
  EnabledBadge,
  ExpiryBadge,
  isWorkload,
  nameOf,
  usesSecret,
} from './client-labels.tsx';
import { ClientSecrets } from './client-secrets.tsx';
import { ClientSettings } from './client-settings.tsx';
import { DeleteClient } from './delete-client.tsx';
import { WorkloadGuide } from './workload-guide.tsx';

interface ClientPageProps {
  readonly clientId: string;
  /** The part of the page that is shown, by its name in the address. */
  readonly part: string;
}

function partsOf(client: Client | undefined) {
  return [
    ['', 'Scopes and usage'],
    client !== undefined && isWorkload(client) ? ['/workloads', 'Workloads'] : ['/secrets', 'Secrets'],
    ['/authentication', 'Authentication'],
    ['/settings', 'Settings'],
    ['/activity', 'Activity'],
  ] as const;
}

export function ClientPage({ clientId, part }: ClientPageProps) {
  const client = useRead(operations.clients.get(clientId), 'client:read');
  const { data } = client;
  const path = clientPath(clientId);
  const current = part === '' ? '' : `/${part}`;
  return (
    <Page
      title={data === undefined ? clientId : nameOf(data)}
      back={{ href: '/clients', title: 'Clients' }}
      description={data !== undefined && <Summary client={data} />}
    >
      <Requires scope="client:read">
        <nav className="tab-list" aria-label="Sections of the client">
          {partsOf(data).map(([name, title]) => (
            <Link key={name} href={path + name} className="tab" aria-current={name === current ? 'page' : undefined}>
              {title}
            </Link>
          ))}
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
        <ExpiryBadge client={client} />
        <code>{client.client_id}</code>
        <span className="muted">authenticates by {authenticationLabel(client)}</span>
        {client.contact != null && <ContactLink contact={client.contact} />}
      </p>
    </>
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
    case 'workloads':
      return <WorkloadGuide client={client} />;
    case 'settings':
      return (
        <>
          <ClientSettings client={client} />
          <DeleteClient client={client} />
        </>
      );
    case 'authentication':
      return <ClientAuthentication client={client} />;
    case 'activity':
      return <ClientActivity clientId={client.client_id} />;
    default:
      return <ClientAccess client={client} />;
  }
}

function ClientActivity({ clientId }: { readonly clientId: string }) {
  const events = useEvents({ subject: clientId, size: 50 });
  return useSession().may('audit:read') ? (
    <Section
      title="Changes to this client"
      actions={<LinkButton href={`/audit?actor=${encodeURIComponent(clientId)}`}>Changes by this client</LinkButton>}
    >
      <Loaded query={events}>{({ items, names }) => <EventTable events={items} names={names} />}</Loaded>
    </Section>
  ) : (
    <Lacks scope="audit:read" />
  );
}
