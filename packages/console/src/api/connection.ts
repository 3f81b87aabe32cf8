/** Calls of the server without a token. */
import { createAdminClient } from '@postern/admin';
import type { AuthorizationServerMetadata } from '@postern/protocol';
import { serverRoot } from './address.ts';

/** Reads the public metadata of the server. RFC 8414 §3. Throws `AdminError`. */
export function fetchMetadata(): Promise<AuthorizationServerMetadata> {
  const path = '/.well-known/oauth-authorization-server';
  const fetchPublic = (url: string, init: RequestInit) =>
    fetch(url, { ...init, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  return createAdminClient({ server: serverRoot, fetch: fetchPublic }).send({ method: 'GET', path });
}
