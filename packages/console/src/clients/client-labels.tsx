/** Labels of clients, and links to them. */

import type { Client } from '@postern/admin';
import { clientWarningDays } from '@postern/protocol/api-limits';
import { Link } from 'wouter';
import { clientPath } from '../api/address.ts';
import { Badge } from '../ui/badge.tsx';
import { ExactTime } from '../ui/time.tsx';

type Named = Pick<Client, 'client_id' | 'name'>;

export const nameOf = ({ client_id, name }: Named): string => name ?? client_id;

export function ClientLink({ client }: { readonly client: Named }) {
  return (
    <Link href={clientPath(client.client_id)} className="row-link">
      {client.name ?? <code>{client.client_id}</code>}
    </Link>
  );
}

export function EnabledBadge({ enabled }: { readonly enabled: boolean }) {
  return enabled ? <Badge tone="good">enabled</Badge> : <Badge tone="danger">disabled</Badge>;
}

/** When the client expires, if it does; told apart if that is soon or over. */
export function ExpiryBadge({ client: { expires_at: end } }: { readonly client: Client }) {
  if (end === null) {
    return null;
  }
  const left = Date.parse(end) - Date.now();
  return left <= 0 ? (
    <Badge tone="danger">
      expired <ExactTime iso={end} />
    </Badge>
  ) : (
    <Badge tone={left < clientWarningDays * 86_400_000 ? 'warning' : 'neutral'}>
      expires <ExactTime iso={end} />
    </Badge>
  );
}

/** The server takes only e-mail addresses and https URLs. */
export function ContactLink({ contact }: { readonly contact: string }) {
  return (
    <a href={contact.startsWith('https:') ? contact : `mailto:${contact}`} rel="noreferrer">
      {contact}
    </a>
  );
}

/** How the client authenticates. */
export function authenticationLabel({ token_endpoint_auth_method: method }: Client): string {
  switch (method) {
    case 'private_key_jwt':
      return 'private key';
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
    case 'spiffe_x509':
      return 'certificate';
    case 'none':
    case 'spiffe_jwt':
      return 'workload token';
    default:
      return 'secret';
  }
}

export const usesSecret = (client: Client): boolean => authenticationLabel(client) === 'secret';

/** Whether it has no credentials of its own, so that it gets tokens only by rules of trusted issuers. */
export const isWorkload = (client: Client): boolean => client.token_endpoint_auth_method === 'none';
