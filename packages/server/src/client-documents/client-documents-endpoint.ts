/** The management API of client ID metadata documents. draft-ietf-oauth-client-id-metadata-document-03 §7.2 leaves approval to the server. */
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, nullable, PageQuery, pageOf, pageView, sliceOf } from '@postern/http-api';
import type { Kysely } from 'kysely';
import { Type } from 'typebox';
import type { Database } from '../db/schema.ts';
import { operation } from '../http/operation.ts';
import {
  documentStatuses,
  getStoredDocument,
  listStoredDocuments,
  type StoredDocument,
} from './client-document-store.ts';
import { changedMembers, type DocumentRecords } from './document-records.ts';

export const ClientDocumentView = Type.Object(
  {
    client_id: Type.String({ description: 'The URL of the document.' }),
    status: Type.Enum([...documentStatuses], {
      description: 'pending: creating a client with this client_id and client_id_metadata_document approves it.',
    }),
    client_name: nullable(Type.String({ description: 'As the document says; nobody has checked it.' })),
    client_uri: nullable(Type.String()),
    contacts: Type.Array(Type.String()),
    jwks_uri: nullable(Type.String()),
    keys: Type.Array(Type.String(), { description: 'Thumbprints of its keys, as RFC 7638 has them.' }),
    changed_members: Type.Array(Type.String(), {
      description: 'Members other than its keys that say something else than when its client was approved.',
    }),
    requested_at: Type.String({ format: 'date-time' }),
    changed_at: Type.String({ format: 'date-time', description: 'When it was last seen to say something else.' }),
    expires_at: nullable(
      Type.String({
        format: 'date-time',
        description: 'When it is forgotten unless its client is approved; null: it is.',
      }),
    ),
  },
  { title: 'ClientDocument' },
);

const ListQuery = Type.Object(
  {
    ...PageQuery.properties,
    status: Type.Optional(Type.Enum([...documentStatuses], { description: 'Only documents of this status.' })),
  },
  { additionalProperties: false },
);

const ClientPath = Type.Object({ client_id: Type.String() });

export interface ClientDocumentsEndpointOptions {
  readonly db: Kysely<Database>;
  readonly records: Pick<DocumentRecords, 'reject'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function clientDocumentsEndpoint({ db, records, now }: ClientDocumentsEndpointOptions): ApiPlugin {
  return async (app) => {
    app.get(
      '/api/v1/oauth/client-document',
      operation(
        'list_client_documents',
        'client_document:read',
        'List client ID metadata documents, the oldest request first',
        {
          lists: ['client_document', 'client_id'],
          query: ListQuery,
          answer: pageView(ClientDocumentView),
        },
      ),
      async ({ query }) => {
        const { documents, total } = await listStoredDocuments(
          db,
          { ...sliceOf(query, 2), status: query.status },
          now(),
        );
        return pageOf(documents, total, query, toView, ({ requestedAt, clientId }) => [
          new Date(requestedAt).toISOString(),
          clientId,
        ]);
      },
    );

    app.get(
      '/api/v1/oauth/client-document/:client_id',
      operation(
        'get_client_document',
        'client_document:read',
        'Read what the client ID metadata document of a client said last',
        {
          reads: 'client_document',
          // It is forgotten without an event: when it expires, or its client is deleted or has its keys elsewhere.
          isVolatile: true,
          params: ClientPath,
          answer: ClientDocumentView,
        },
      ),
      async (request) => toView(await getStoredDocument(db, request.params.client_id, now())),
    );

    app.post(
      '/api/v1/oauth/client-document/:client_id/reject',
      operation('reject_client_document', 'client_document:approve', 'Reject a client that waits for approval', {
        changes: 'client_document',
        description: 'For 30 days. A client that was approved is disabled or deleted instead.',
        params: ClientPath,
        answer: ClientDocumentView,
        errors: [409],
      }),
      async (request) => toView(await records.reject(accessTokenOf(request), request.params.client_id)),
    );
  };
}

function toView({ clientId, status, document, approved, requestedAt, changedAt, expiresAt }: StoredDocument) {
  return {
    client_id: clientId,
    status,
    client_name: document.clientName,
    client_uri: document.clientUri,
    contacts: [...document.contacts],
    jwks_uri: document.jwksUri,
    keys: [...document.keys],
    changed_members: changedMembers(approved, document).map((name) => wireNames[name]),
    requested_at: new Date(requestedAt).toISOString(),
    changed_at: new Date(changedAt).toISOString(),
    expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString(),
  };
}

const wireNames = {
  clientName: 'client_name',
  clientUri: 'client_uri',
  contacts: 'contacts',
  jwksUri: 'jwks_uri',
} as const;
