/** Calls of the server without a token. */
import { createAdminClient } from '@postern/admin';
import { serverRoot } from './address.ts';

/** What the console reads of the metadata. */
export interface ServerMetadata {
  readonly issuer: string;
  readonly token_endpoint: string;
}

/** Reads the public metadata of the server. RFC 8414 §3. Throws `AdminError`. */
export function fetchMetadata(): Promise<ServerMetadata> {
  const path = '/.well-known/oauth-authorization-server';
  const fetchPublic = (url: string, init: RequestInit) =>
    fetch(url, { ...init, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  return createAdminClient({ server: serverRoot, fetch: fetchPublic }).send({ method: 'GET', path });
}
