/** The names of clients and people that events name by their ids, also of those that were deleted. docs/audit.md. */
import type { Kysely } from 'kysely';
import { rowsInSlice } from '../db/in-slices.ts';
import type { Database } from '../db/schema.ts';

export interface EventName {
  /** Null: it has none, and had none. */
  readonly name: string | null;
  readonly isDeleted: boolean;
}

/**
 * Finds the present names; of clients and people that were deleted, the last ones. The root client `rootId`, which is not in the database, is called
 * root. Ids that are of nobody are not in the answer.
 */
export async function findEventNames(
  db: Kysely<Database>,
  ids: Iterable<string>,
  rootId: string,
): Promise<Map<string, EventName>> {
  const asked = [...new Set(ids)];
  const found = new Map<string, EventName>();
  for (let start = 0; start < asked.length; start += rowsInSlice) {
    const some = asked.slice(start, start + rowsInSlice);
    const present = [
      ...(await db.selectFrom('clients').select(['id', 'name']).where('id', 'in', some).execute()),
      ...(await db.selectFrom('people').select(['id', 'name']).where('id', 'in', some).execute()),
    ];
    for (const { id, name } of present) {
      found.set(id, { name, isDeleted: false });
    }
    if (some.includes(rootId)) {
      found.set(rootId, { name: 'root', isDeleted: false });
    }
    const absent = some.filter((id) => !found.has(id));
    for (const [id, name] of absent.length === 0 ? [] : await findLastNames(db, absent)) {
      found.set(id, { name, isDeleted: true });
    }
  }
  return found;
}

/** The log tells under which name a client was created or a person signed in, and each change of that. */
async function findLastNames(db: Kysely<Database>, ids: readonly string[]): Promise<Map<string, string | null>> {
  const rows = await db
    .selectFrom('events')
    .select(['subject', 'kind', 'data'])
    .where('subject', 'in', ids)
    .where('kind', 'in', ['client.created', 'client.updated', 'person.saved'])
    .where((where) => where.or([where('kind', '=', 'client.created'), where('data', 'like', '%"name":%')]))
    .orderBy('sequence')
    .execute();
  const names = new Map<string, string | null>();
  for (const { subject, kind, data } of rows) {
    const { name = kind === 'client.created' ? null : names.get(subject) } = JSON.parse(data) as { name?: unknown };
    names.set(subject, typeof name === 'string' ? name : null);
  }
  return names;
}
