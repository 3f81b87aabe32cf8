/** What the server publishes about itself. RFC 8414, RFC 7517. */
import { serverRoot } from './address.ts';
import { request } from './api.ts';

export interface ServerMetadata {
  readonly issuer: string;
  readonly token_endpoint: string;
}

export interface PublishedKey extends JsonWebKey {
  readonly kid: string;
}

export const fetchMetadata = () => request<ServerMetadata>(`${serverRoot}.well-known/oauth-authorization-server`);

export const fetchKeys = () =>
  request<{ readonly keys: readonly PublishedKey[] }>(`${serverRoot}.well-known/jwks.json`);
