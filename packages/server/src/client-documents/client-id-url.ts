/** The https URL that is the id of a client, and at which it publishes its metadata. draft-ietf-oauth-client-id-metadata-document-03 §3. */
import { clientIdPattern, OAuthError } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import { isOutboundHost, type OutboundHosts } from '../http/outbound-hosts.ts';

/** Where documents may be fetched from. */
export interface DocumentHosts {
  /** The hosts whose documents are read. Undefined: none. */
  readonly clientMetadataHosts: OutboundHosts;
  readonly outboundHosts: OutboundHosts;
}

/** Whether a client may have its document at this URL, by its host. Does not check the rest of the URL. */
export function isDocumentHost({ clientMetadataHosts, outboundHosts }: DocumentHosts, url: string): boolean {
  return (
    clientMetadataHosts !== undefined && isOutboundHost(clientMetadataHosts, url) && isOutboundHost(outboundHosts, url)
  );
}

/** What is wrong with an id as the URL of a document, as a predicate; undefined if nothing is. Does not check its host. */
export function findClientIdUrlFault(id: string): string | undefined {
  if (!id.startsWith('https://')) {
    return 'must be an https URL';
  }
  const [authority = '', ...path] = id.slice('https://'.length).split('/');
  if (authority.includes('@')) {
    return 'must not have credentials';
  }
  if (id.includes('#') || id.includes('?')) {
    return 'must have neither a fragment nor a query';
  }
  if (path.length === 0) {
    return 'must have a path, such as https://partner.example/agent.json';
  }
  if (path.some((segment) => segment === '.' || segment === '..')) {
    return 'must not have . or .. between its slashes';
  }
  if (!clientIdPattern.test(id)) {
    return 'must have at most 128 characters, which are letters, digits or one of . _ ~ : - and slashes';
  }
  // The URL that is fetched is the one that the document names: no other spelling of it is another client.
  const { href } = URL.parse(id) ?? {};
  return href === id
    ? undefined
    : `must be written in its normal form${href === undefined ? '' : `, which is ${href}`}`;
}

/** Throws `invalid_parameter` for a client whose keys are in its document, unless its id is the URL of one that may be fetched. */
export function requireDocumentUrl(hosts: DocumentHosts, { id, metadata }: Pick<Client, 'id' | 'metadata'>): void {
  if (metadata.clientIdMetadataDocument !== true) {
    return;
  }
  const fault = findClientIdUrlFault(id);
  if (fault !== undefined) {
    throw new OAuthError(
      'invalid_parameter',
      `client_id_metadata_document: the client_id is the URL of the document, so it ${fault}.`,
    );
  }
  if (!isDocumentHost(hosts, id)) {
    throw new OAuthError(
      'invalid_parameter',
      'client_id_metadata_document: Postern reads no documents of this host, until its operator adds it to POSTERN_CLIENT_METADATA_HOSTS, ' +
        'and to POSTERN_OUTBOUND_HOSTS if that is set.',
    );
  }
}
