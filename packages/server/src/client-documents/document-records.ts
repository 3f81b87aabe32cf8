/**
 * Records what the metadata documents of clients say: a new one waits for an administrator, and a change of one is told.
 * draft-ietf-oauth-client-id-metadata-document-03 §8.4. Nothing but the keys of a document is acted on; whatever else it says is for people.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AccessToken } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Client } from '../clients/client.ts';
import { findClient } from '../clients/client-store.ts';
import type { Database } from '../db/schema.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import {
  countUnapproved,
  deleteDocument,
  deleteExpiredDocuments,
  findStoredDocument,
  getStoredDocument,
  hostOf,
  type StoredDocument,
  saveDocument,
} from './client-document-store.ts';
import type { ClientDocument } from './parse-client-document.ts';

/** Documents that wait for an administrator, or were rejected. */
const mostUnapproved = 1_000;
const mostUnapprovedOfHost = 50;

/** Milliseconds after which a document that nobody approves is forgotten, and after which one that was rejected may wait again. */
const waitMs = 30 * 86_400_000;

/** What became of a client that nobody has approved. */
type Outcome = 'pending' | 'rejected' | 'full';

export interface DocumentRecords {
  /** Lets a document wait for an administrator, whose client has proved that it has one of its keys. */
  request(clientId: string, document: ClientDocument): Promise<Outcome>;
  /** Records what the document of a client says now, if that is new. */
  follow(clientId: string, document: ClientDocument): Promise<void>;
  /** Lets a document wait no longer. Throws `not_found`, and `conflict` if its client was approved. */
  reject(token: AccessToken, clientId: string): Promise<StoredDocument>;
}

export interface DocumentRecordsOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createDocumentRecords({ db, events, now }: DocumentRecordsOptions): DocumentRecords {
  return {
    async request(clientId, document) {
      const known = await findStoredDocument(db, clientId, now());
      if (known !== undefined && isDeepStrictEqual(known.document, document)) {
        return outcomeOf(known);
      }
      return events.change('postern', async (transaction, append) => {
        await deleteExpiredDocuments(transaction, now());
        const before = await findStoredDocument(transaction, clientId, now());
        // Approved in the meantime: the client asks again.
        if (before?.status === 'approved' || (await findClient(transaction, clientId)) !== undefined) {
          return 'pending';
        }
        // Another request of the same client was faster.
        if (before !== undefined && isDeepStrictEqual(before.document, document)) {
          return outcomeOf(before);
        }
        if (before === undefined) {
          const { all, ofHost } = await countUnapproved(transaction, hostOf(clientId));
          if (all >= mostUnapproved || ofHost >= mostUnapprovedOfHost) {
            return 'full';
          }
        }
        const begun = {
          clientId,
          status: 'pending',
          approved: null,
          requestedAt: now(),
          expiresAt: now() + waitMs,
        } as const;
        const after = { ...(before ?? begun), document, changedAt: now() };
        await saveDocument(transaction, after);
        await append({ kind: 'client_document.requested', subject: clientId, data: { ...document } });
        return outcomeOf(after);
      });
    },

    async follow(clientId, document) {
      const known = await findStoredDocument(db, clientId, now());
      if (known !== undefined && isDeepStrictEqual(known.document, document)) {
        return;
      }
      await events.change('postern', async (transaction, append) => {
        const client = await findClient(transaction, clientId);
        const before = await findStoredDocument(transaction, clientId, now());
        if (client?.metadata.clientIdMetadataDocument !== true || isDeepStrictEqual(before?.document, document)) {
          return;
        }
        await saveDocument(transaction, {
          clientId,
          status: 'approved',
          document,
          approved: before?.approved ?? document,
          requestedAt: before?.requestedAt ?? now(),
          changedAt: now(),
          expiresAt: null,
        });
        const [old, present] = [new Set(before?.document.keys), new Set(document.keys)];
        const members = changedMembers(before?.document, document);
        await append({
          kind: 'client_document.changed',
          subject: clientId,
          data: {
            addedKeys: [...present.difference(old)],
            removedKeys: [...old.difference(present)],
            ...Object.fromEntries(members.map((name) => [name, document[name]])),
          },
        });
      });
    },

    reject: (token, clientId) =>
      events.change(token, async (transaction, append) => {
        const before = await getStoredDocument(transaction, clientId, now());
        if (before.status === 'approved') {
          throw new OAuthError('conflict', 'The client was approved: disable or delete it instead.');
        }
        const event = { kind: 'client_document.rejected', subject: clientId, data: {} } as const;
        if (before.status === 'rejected') {
          await append.unchanged(event);
          return before;
        }
        const after = { ...before, status: 'rejected', expiresAt: now() + waitMs } as const;
        await saveDocument(transaction, after);
        await append(event);
        return after;
      }),
  };
}

/**
 * Settles what is stored of a document when its client is created, or changed to have its keys elsewhere: whoever creates a client
 * whose keys are in its document approves what that says. The caller has decided who may do so.
 */
export async function settleDocument(
  transaction: Kysely<Database>,
  append: Append,
  { id, metadata }: Pick<Client, 'id' | 'metadata'>,
  now: number,
): Promise<void> {
  if (metadata.clientIdMetadataDocument !== true) {
    await deleteDocument(transaction, id);
    return;
  }
  const stored = await findStoredDocument(transaction, id, now);
  if (stored !== undefined) {
    await saveDocument(transaction, { ...stored, status: 'approved', approved: stored.document, expiresAt: null });
    await append({ kind: 'client_document.approved', subject: id, data: { ...stored.document } });
  }
}

function outcomeOf({ status }: Pick<StoredDocument, 'status'>): Outcome {
  return status === 'rejected' ? 'rejected' : 'pending';
}

/** The members that administrators see, other than the keys, which a client may change as it likes. */
const shownMembers = ['clientName', 'clientUri', 'contacts', 'jwksUri'] as const;

/** Which members other than the keys say something else. */
export function changedMembers(
  before: ClientDocument | null | undefined,
  after: ClientDocument,
): (typeof shownMembers)[number][] {
  return before == null ? [] : shownMembers.filter((name) => !isDeepStrictEqual(before[name], after[name]));
}
