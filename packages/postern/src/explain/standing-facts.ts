/** What the signed-in client may know of a token: by introspection, of its clients, in the revocation feed. RFC 7662. */
import { type AccessToken, heldTokens } from '@postern/guard';
import type { Client, Resource } from '@postern/server/admin-contract';
import { path } from '../connection/path.ts';
import type { ServerApi } from '../connection/server-api.ts';
import type { StandingFacts } from './check-standing.ts';
import { readFeed } from './revocation-facts.ts';

const clientPath = (id: string) => path`/api/v1/oauth/client/${id}`;

/** Asks for no more than the signed-in client's scopes allow. `text`: the token as it is sent. */
export async function readClientStatus(api: ServerApi, text: string, token: AccessToken): Promise<StandingFacts> {
  const scopes = await api.scopes();
  const clients = scopes.has('client:read') ? await readClients(api, token) : new Map<string, Client | 'gone'>();
  const { active } = await api.ask<{ active: boolean }>('/api/v1/oauth/introspect', { token: text });
  return {
    isActive: active || (await mayIntrospect(api, token, scopes)) ? active : undefined,
    clients,
    feed: scopes.has('revocation:read') ? await readFeed(api, token) : undefined,
  };
}

/** A generation of root is a fingerprint; those of others count from 0 and never get here. */
const leastFingerprint = 1_000_000_000;

/** The root client cannot be read, so that its absence says nothing. */
async function readClients(api: ServerApi, token: AccessToken): Promise<Map<string, Client | 'gone'>> {
  const clients = new Map<string, Client | 'gone'>();
  for (const { clientId, generation } of heldTokens(token)) {
    const client = await api.find<Client>(clientPath(clientId));
    if (client !== undefined || generation < leastFingerprint) {
      clients.set(clientId, client ?? 'gone');
    }
  }
  return clients;
}

/** A client learns of its own tokens and of those for APIs that it acts for; root of all. RFC 7662 §4. */
async function mayIntrospect(api: ServerApi, token: AccessToken, scopes: ReadonlySet<string>): Promise<boolean> {
  if (api.clientId === token.clientId) {
    return true;
  }
  if (scopes.has('client:read') && (await api.find(clientPath(api.clientId))) === undefined) {
    return true;
  }
  const resources = scopes.has('resource:read') ? await api.listAll<Resource>('/api/v1/oauth/resource') : [];
  return resources.some(
    ({ identifier, introspection_clients = [] }) =>
      token.audience.includes(identifier) && introspection_clients.includes(api.clientId),
  );
}
