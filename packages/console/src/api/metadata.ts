/** What the server publishes about itself. RFC 8414. */
import { serverRoot } from './address.ts';
import { request } from './api.ts';

export interface ServerMetadata {
  readonly issuer: string;
  readonly token_endpoint: string;
}

export const fetchMetadata = () => request<ServerMetadata>(`${serverRoot}.well-known/oauth-authorization-server`);
