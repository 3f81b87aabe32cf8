/** Fetches the metadata document of a client, and the keys that it names. draft-ietf-oauth-client-id-metadata-document-03 §5, §8.6 and §8.7. */
import { OAuthError } from '@postern/protocol';
import {
  AnswerTooLarge,
  createGuardedFetch,
  createGuardedRequest,
  type GuardedRequestOptions,
} from '../http/guarded-fetch.ts';
import type { PublishedKey } from '../jwt/published-keys.ts';
import {
  type ClientDocument,
  DocumentFault,
  describeDocument,
  type FetchedDocument,
  parseClientDocument,
  parseDocumentKeys,
} from './parse-client-document.ts';

/** §8.7 recommends this many bytes. */
const mostBytes = 5_120;

/** Bytes of the keys that it names: enough for all that it may have, with their certificates. Strangers make Postern keep a thousand such sets. */
const mostKeyBytes = 65_536;

/** Milliseconds for which a document is fresh: what its server says, within these limits. §5.2, RFC 9111 §5.2.2.1. */
const mostMaxAgeMs = 300_000;
const leastMaxAgeMs = 30_000;

interface DocumentWithKeys {
  readonly document: ClientDocument;
  readonly keys: readonly PublishedKey[];
}

/**
 * Fetches the document at a URL. Rejects with `invalid_client`, which says why, for an answer that cannot be the metadata of the
 * client, and with another error if the server cannot be reached or cannot answer at the moment: that says nothing about the
 * document.
 */
export type FetchClientDocument = (
  url: string,
) => Promise<{ readonly value: DocumentWithKeys; readonly maxAgeMs: number }>;

export function createFetchClientDocument(network: Omit<GuardedRequestOptions, 'mostBytes'>): FetchClientDocument {
  const requestDocument = createGuardedRequest({ ...network, mostBytes });
  const fetchKeys = createGuardedFetch(network.allowedNetworks, network.allowedHosts, mostKeyBytes);

  const read = async (url: string): Promise<FetchedDocument & { readonly maxAgeMs: number }> => {
    const response = await requestDocument(url);
    const { status, headers } = response;
    if (status >= 500 || status === 408 || status === 429) {
      throw new Error(`status ${status} from ${url}`);
    }
    return {
      status,
      contentType: headers.get('content-type'),
      body: await response.arrayBuffer(),
      maxAgeMs: maxAgeOf(headers.get('cache-control') ?? ''),
    };
  };

  const fetchDocument: FetchClientDocument = async (url) => {
    const { maxAgeMs, ...fetched } = await read(url);
    const members = parseClientDocument(url, fetched);
    const { jwks_uri } = members;
    const keys = parseDocumentKeys(jwks_uri === undefined ? members.jwks : await (await fetchKeys(jwks_uri)).json());
    return { value: { document: describeDocument(members, keys), keys }, maxAgeMs };
  };

  return async (url) => {
    try {
      return await fetchDocument(url);
    } catch (error) {
      const fault =
        error instanceof AnswerTooLarge ? new DocumentFault(`or its key set has ${error.message}`) : (error as Error);
      throw fault instanceof DocumentFault
        ? new OAuthError('invalid_client', `The client ID metadata document at ${url} ${fault.message}.`, {
            reason: 'client_document_invalid',
          })
        : fault;
    }
  };
}

function maxAgeOf(cacheControl: string): number {
  if (/\bno-(store|cache)\b/i.test(cacheControl)) {
    return leastMaxAgeMs;
  }
  const seconds = /\bmax-age="?(\d{1,9})/i.exec(cacheControl)?.[1];
  return seconds === undefined
    ? mostMaxAgeMs
    : Math.min(mostMaxAgeMs, Math.max(leastMaxAgeMs, Number(seconds) * 1_000));
}
