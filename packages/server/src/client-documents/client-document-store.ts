/** What the metadata documents of clients said last, in the database: of clients, and of those that wait for an administrator. */
import type { Slice } from '@postern/http-api';
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { countFound } from '../db/count-rows.ts';
import type { ClientDocumentTable, Database } from '../db/schema.ts';
import { createRowMap } from '../db/thing-store.ts';
import type { ClientDocument } from './parse-client-document.ts';

export const documentStatuses = ['pending', 'rejected', 'approved'] as const;

type DocumentStatus = (typeof documentStatuses)[number];

export interface StoredDocument {
  readonly clientId: string;
  readonly status: DocumentStatus;
  readonly document: ClientDocument;
  /** What it said when its client was approved; null before. */
  readonly approved: ClientDocument | null;
  /** Milliseconds since 1970. */
  readonly requestedAt: number;
  readonly changedAt: number;
  /** From then on a document that is not approved is forgotten; null if it is. */
  readonly expiresAt: number | null;
}

const { toRow, fromRow } = createRowMap<Omit<ClientDocumentTable, 'host'>, StoredDocument>({
  document: 'json',
  approved: 'json',
  requestedAt: 'time',
  changedAt: 'time',
  expiresAt: 'time',
});

const withoutHost = ({ host: _, ...row }: ClientDocumentTable) => fromRow(row);

/** Finds what is stored and has not expired. */
export async function findStoredDocument(
  db: Kysely<Database>,
  clientId: string,
  now: number,
): Promise<StoredDocument | undefined> {
  const row = await unexpired(db, now).selectAll().where('client_id', '=', clientId).executeTakeFirst();
  return row && withoutHost(row);
}

/** Throws `not_found`. */
export async function getStoredDocument(db: Kysely<Database>, clientId: string, now: number): Promise<StoredDocument> {
  const stored = await findStoredDocument(db, clientId, now);
  if (stored === undefined) {
    throw new OAuthError('not_found', `There is no client ID metadata document of ${showName(clientId)}.`);
  }
  return stored;
}

/** Lists part of them, the oldest first, and how many there are. Their place is the time of the first request and their client. */
export async function listStoredDocuments(
  db: Kysely<Database>,
  { after, offset, limit, status }: Slice & { readonly status: DocumentStatus | undefined },
  now: number,
): Promise<{ readonly documents: readonly StoredDocument[]; readonly total: number }> {
  const selected = unexpired(db, now).$if(status !== undefined, (query) =>
    query.where('status', '=', status as DocumentStatus),
  );
  const total = await countFound(selected);
  const rows = await selected
    .selectAll()
    .$if(after !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('requested_at', 'client_id'), '>', tuple(after?.[0] ?? '', after?.[1] ?? '')),
      ),
    )
    .orderBy('requested_at')
    .orderBy('client_id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { documents: rows.map(withoutHost), total };
}

/** Counts the documents that are not approved: all of them, and those of one host. */
export async function countUnapproved(
  db: Kysely<Database>,
  host: string,
): Promise<{ readonly all: number; readonly ofHost: number }> {
  const rows = await db
    .selectFrom('client_documents')
    .select(({ fn }) => ['host', fn.countAll<number>().as('count')])
    .where('status', '!=', 'approved')
    .groupBy('host')
    .execute();
  return {
    all: rows.reduce((sum, { count }) => sum + Number(count), 0),
    ofHost: Number(rows.find((row) => row.host === host)?.count ?? 0),
  };
}

/** Writes what is stored of a document, whether or not there was something. */
export async function saveDocument(db: Kysely<Database>, stored: StoredDocument): Promise<void> {
  const row = { ...toRow(stored), host: hostOf(stored.clientId) };
  await db
    .insertInto('client_documents')
    .values(row)
    .onConflict((conflict) => conflict.column('client_id').doUpdateSet(row))
    .execute();
}

export async function deleteDocument(db: Kysely<Database>, clientId: string): Promise<void> {
  await db.deleteFrom('client_documents').where('client_id', '=', clientId).execute();
}

export async function deleteExpiredDocuments(db: Kysely<Database>, now: number): Promise<void> {
  await db.deleteFrom('client_documents').where('expires_at', '<=', new Date(now).toISOString()).execute();
}

/** The host of a client whose id is a URL. */
export function hostOf(clientId: string): string {
  return new URL(clientId).hostname;
}

function unexpired(db: Kysely<Database>, now: number) {
  return db
    .selectFrom('client_documents')
    .where(({ eb, or }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', new Date(now).toISOString())]));
}
