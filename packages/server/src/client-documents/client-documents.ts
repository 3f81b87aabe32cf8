/**
 * Clients whose id is the URL of their metadata document: their keys, and those that ask before anybody has approved them.
 * draft-ietf-oauth-client-id-metadata-document-03 §5 and §7.2.
 */
import { type ErrorReason, OAuthError } from '@postern/protocol';
import {
  type AssertionAudiences,
  audienceError,
  type ClientAssertion,
  findAssertionFault,
} from '../client-auth/private-key-jwt.ts';
import { newClient } from '../clients/client.ts';
import { createKeptKeys, type FetchedKeysOptions, type KeySet } from '../jwt/published-keys.ts';
import type { SelfServiceLimit } from '../limits/self-service-limit.ts';
import { hostOf } from './client-document-store.ts';
import { type DocumentHosts, findClientIdUrlFault, isDocumentHost } from './client-id-url.ts';
import type { DocumentRecords } from './document-records.ts';
import type { FetchClientDocument } from './fetch-client-document.ts';

export interface ClientDocuments {
  /** The keys of a client whose document an administrator has approved; undefined if it may not have a document at its id. */
  keysOf(clientId: string): KeySet | undefined;
  /**
   * Lets a client that does not exist wait for an administrator, if the assertion is signed by a key of the document at its id:
   * throws `unauthorized_client` then. Throws `invalid_client` for a document that cannot be used and for another audience,
   * and `temporarily_unavailable` if the document cannot be fetched, or too many others wait. Otherwise returns why the assertion authenticates no client.
   */
  findStrangerFault(assertion: ClientAssertion): Promise<ErrorReason>;
}

export interface ClientDocumentsOptions {
  readonly hosts: DocumentHosts;
  readonly audiences: AssertionAudiences;
  readonly fetchDocument: FetchClientDocument;
  readonly keys: FetchedKeysOptions;
  readonly records: Pick<DocumentRecords, 'request' | 'follow'>;
  /** How often documents of clients that do not exist may be fetched from one host. */
  readonly fetchLimit: SelfServiceLimit;
  /** Called if a change of a document could not be recorded; it is tried again when the document is fetched next. */
  readonly onRecordFault: (error: unknown) => void;
}

/** How many requests of clients that do not exist may wait for documents: a server that does not answer would hold up all that this process can handle. */
const mostWaiting = 50;

export function createClientDocuments(options: ClientDocumentsOptions): ClientDocuments {
  const { hosts, audiences, fetchDocument, records, fetchLimit, onRecordFault } = options;

  const ofClients = createKeptKeys(async (url) => {
    const fetched = await fetchDocument(url);
    void records.follow(url, fetched.value.document).catch(onRecordFault);
    return fetched;
  }, options.keys);

  // Apart, so that whoever makes up URLs displaces no document of a client.
  const ofStrangers = createKeptKeys(
    async (url) => {
      fetchLimit.take(hostOf(url));
      return fetchDocument(url);
    },
    { ...options.keys, onFault() {} },
  );

  let waiting = 0;

  return {
    keysOf: (clientId) => (isDocumentHost(hosts, clientId) ? ofClients(clientId) : undefined),

    async findStrangerFault(assertion) {
      const { clientId } = assertion;
      if (!isDocumentHost(hosts, clientId)) {
        return 'client_unknown';
      }
      const urlFault = findClientIdUrlFault(clientId);
      if (urlFault !== undefined) {
        throw new OAuthError(
          'invalid_client',
          `The client_id is no URL of a client ID metadata document: it ${urlFault}.`,
          {
            reason: 'client_document_invalid',
          },
        );
      }
      if (waiting >= mostWaiting) {
        throw new OAuthError(
          'temporarily_unavailable',
          `${mostWaiting} requests of clients that do not exist wait for client ID metadata documents; retry later.`,
          { reason: 'keys_unavailable' },
        );
      }
      const keys = ofStrangers(clientId);
      const stranger = {
        ...newClient(clientId, 0),
        metadata: { tokenEndpointAuthMethod: 'private_key_jwt', clientIdMetadataDocument: true },
      } as const;
      waiting += 1;
      const fault = await findAssertionFault(stranger, assertion, () => keys, audiences).finally(() => {
        waiting -= 1;
      });
      if (fault === 'audience_wrong') {
        throw audienceError(stranger, assertion, audiences);
      }
      const document = keys.current()?.document;
      if (fault !== undefined || document === undefined) {
        return fault ?? 'client_unknown';
      }
      throw unapprovedError(await records.request(clientId, document));
    },
  };
}

const outcomes = {
  pending: ['client_unapproved', 'an administrator has not approved this client yet: retry when they have'],
  rejected: ['client_rejected', 'an administrator has rejected this client'],
  full: ['client_unapproved', 'too many clients wait for the approval of an administrator: retry later'],
} as const;

function unapprovedError(outcome: keyof typeof outcomes): OAuthError {
  const [reason, why] = outcomes[outcome];
  return new OAuthError(
    'unauthorized_client',
    `The client ID metadata document and the assertion are valid, but ${why}.`,
    { reason },
  );
}
