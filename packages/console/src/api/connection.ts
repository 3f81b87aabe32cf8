/** Calls of the server. The console uses the same public API as every other client. */
import { type AdminClient, createAdminClient } from '@postern/admin';
import type { AuthorizationServerMetadata } from '@postern/protocol';
import { serverRoot } from './address.ts';

const fetchFromServer = (url: string, init: RequestInit): Promise<Response> =>
  fetch(url, { ...init, cache: 'no-store', credentials: 'omit', redirect: 'error' });

/** Sends `token` with every call. Calls `onRejected` when the server rejects it. */
export function connect(token: string, onRejected: () => void): AdminClient {
  return createAdminClient({
    server: serverRoot,
    async fetch(url, init) {
      const response = await fetchFromServer(url, {
        ...init,
        headers: { ...init.headers, authorization: `Bearer ${token}` },
      });
      if (response.status === 401) {
        onRejected();
      }
      return response;
    },
  });
}

/** Reads the public metadata of the server. RFC 8414 §3. Throws `AdminError`. */
export function fetchMetadata(): Promise<AuthorizationServerMetadata> {
  const path = '/.well-known/oauth-authorization-server';
  return createAdminClient({ server: serverRoot, fetch: fetchFromServer }).send({ method: 'GET', path });
}
