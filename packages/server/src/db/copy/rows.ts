/** Reads and writes all rows of a table, whatever it holds, a few at a time. */
import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { Table } from './tables.ts';

/** The tables of one copy have no types: they are those that the migrations create. */
// biome-ignore lint/suspicious/noExplicitAny: Kysely's name for tables that are not known when the code is written
export type AnyTables = any;

export type Row = Readonly<Record<string, unknown>>;

const rowsPerRead = 1_000;

/** SQLite takes 32 766 values per statement, and PostgreSQL twice as many. */
const valuesPerWrite = 30_000;

/** Yields all rows in parts, in the order of the primary key, so that each part is read by an index. */
export async function* readRows(db: Kysely<AnyTables>, { name, columns, key }: Table): AsyncGenerator<Row[]> {
  const ordered = key.reduce((query, column) => query.orderBy(column), db.selectFrom(name).select([...columns]));
  if (key.length === 0) {
    yield await ordered.execute();
    return;
  }
  const keyColumns = sql.join(key.map((column) => sql.ref(column)));
  for (let last: Row | undefined; ; ) {
    const after = last;
    const query =
      after === undefined
        ? ordered
        : ordered.where(sql<boolean>`(${keyColumns}) > (${sql.join(key.map((column) => after[column]))})`);
    const rows: Row[] = await query.limit(rowsPerRead).execute();
    if (rows.length > 0) {
      yield rows;
    }
    if (rows.length < rowsPerRead) {
      return;
    }
    last = rows.at(-1);
  }
}

export async function writeRows(db: Kysely<AnyTables>, { name, columns }: Table, rows: readonly Row[]): Promise<void> {
  const rowsPerWrite = Math.floor(valuesPerWrite / columns.length);
  for (let start = 0; start < rows.length; start += rowsPerWrite) {
    await db
      .insertInto(name)
      .values(rows.slice(start, start + rowsPerWrite))
      .execute();
  }
}

export async function deleteRows(db: Kysely<AnyTables>, { name }: Table): Promise<void> {
  await db.deleteFrom(name).execute();
}

export async function countRows(db: Kysely<AnyTables>, { name }: Table): Promise<number> {
  const { rows } = await db
    .selectFrom(name)
    .select((select) => select.fn.countAll().as('rows'))
    .executeTakeFirstOrThrow();
  return Number(rows);
}

export async function hasRow(db: Kysely<AnyTables>, { name, columns }: Table): Promise<boolean> {
  return (
    (await db
      .selectFrom(name)
      .select([...columns])
      .limit(1)
      .executeTakeFirst()) !== undefined
  );
}

/** Sums up rows one by one, in any order: two sums are equal if, and only if, the rows are. */
export class RowSum {
  #count = 0;
  #sum = 0n;

  get count(): number {
    return this.#count;
  }

  add({ columns }: Table, row: Row): void {
    const text = JSON.stringify(columns.map((column) => row[column]));
    this.#count += 1;
    this.#sum += BigInt(`0x${createHash('sha256').update(text).digest('hex')}`);
  }

  equals(other: RowSum): boolean {
    return this.#count === other.#count && this.#sum === other.#sum;
  }
}
