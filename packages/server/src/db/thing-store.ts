/** Keeps things of one kind in a table of their own, each of their members in the column of its name. */
import { fromWireNames, toWireNames } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from './schema.ts';

/** How a member is kept that is not in the table as it is. Null always is. */
const forms = {
  json: { write: (value: unknown) => JSON.stringify(value), read: (text: string) => JSON.parse(text) },
  set: {
    write: (names: Iterable<string>) => JSON.stringify([...names]),
    read: (text: string) => new Set(JSON.parse(text)),
  },
  flag: { write: Number, read: (number: number) => number === 1 },
  time: { write: (ms: number) => new Date(ms).toISOString(), read: (text: string) => Date.parse(text) },
  /** PostgreSQL returns integers of 64 bits as text. */
  bigint: { write: Number, read: Number },
};

/** By member. */
export type Forms<Thing> = { readonly [Member in keyof Thing]?: keyof typeof forms };

/** Converts things to rows of a table, and back. */
export function createRowMap<Row extends object, Thing extends object>(formOf: Forms<Thing>) {
  const convert = (object: object, direction: 'write' | 'read'): object =>
    Object.fromEntries(
      Object.entries(object).map(([name, value]) => {
        const form = formOf[name as keyof Thing];
        return [name, form === undefined || value === null ? value : forms[form][direction](value as never)];
      }),
    );
  return {
    toRow: (thing: Thing) => toWireNames(convert(thing, 'write')) as Row,
    fromRow: (row: Row) => convert(fromWireNames(row), 'read') as Thing,
  };
}

export interface ThingStore<Thing> {
  /** Loads all, in the order of their ids. */
  load(db: Kysely<Database>): Promise<Thing[]>;
  /** Finds the one with that id, or with that value of another member that is unique. */
  find(db: Kysely<Database>, value: string, member?: keyof Thing & string): Promise<Thing | undefined>;
  /** Creates it, or changes the one with its id. */
  save(db: Kysely<Database>, thing: Thing): Promise<void>;
  delete(db: Kysely<Database>, id: string): Promise<void>;
}

/** `idMember` is the primary key. */
export function createThingStore<Thing extends object>(
  table: keyof Database,
  idMember: keyof Thing & string,
  formOf: Forms<Thing> = {},
): ThingStore<Thing> {
  // Kysely's types follow one table at a time; what is done here works on each.
  const [anyTable, idColumn] = [table as 'own_scopes', idMember as unknown as 'name'];
  const { toRow, fromRow } = createRowMap<Database['own_scopes'], Thing>(formOf);
  return {
    load: async (db) => (await db.selectFrom(anyTable).selectAll().orderBy(idColumn).execute()).map(fromRow),
    async find(db, value, member = idMember) {
      const column = member as unknown as 'name';
      const row = await db.selectFrom(anyTable).selectAll().where(column, '=', value).executeTakeFirst();
      return row && fromRow(row);
    },
    async save(db, thing) {
      const row = toRow(thing);
      await db
        .insertInto(anyTable)
        .values(row)
        .onConflict((conflict) => conflict.column(idColumn).doUpdateSet(row))
        .execute();
    },
    async delete(db, id) {
      await db.deleteFrom(anyTable).where(idColumn, '=', id).execute();
    },
  };
}
