/** The tables of Postern and of the APIs that it hosts, as their migrations create them: no list that could miss one. */
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { type MigrationSet, migrate } from '../migrate.ts';
import { sqliteDialectOf } from '../sqlite-dialect.ts';

export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** The columns of its primary key. Empty: it has a few rows only. */
  readonly key: readonly string[];
  /** Whether it has rows before anything was written. */
  readonly isSeeded: boolean;
}

/** Lists all tables, each after those that it refers to. */
export async function listTables(migrations: readonly MigrationSet[]): Promise<Table[]> {
  const model = new DatabaseSync(':memory:');
  const db = new Kysely<unknown>({ dialect: sqliteDialectOf(model) });
  try {
    for (const set of migrations) {
      await migrate(db, set);
    }
    const bookkeeping = new Set(migrations.flatMap(({ owner }) => [`${owner}_migration`, `${owner}_migration_lock`]));
    const names = textsOf(
      model,
      "select name as text from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'",
    ).filter((name) => !bookkeeping.has(name));
    return inOrderOfReferences(model, names).map((name) => ({
      name,
      columns: textsOf(model, 'select name as text from pragma_table_info(?) order by cid', name),
      key: textsOf(model, 'select name as text from pragma_table_info(?) where pk > 0 order by pk', name),
      isSeeded: model.prepare(`select 1 from "${name}" limit 1`).get() !== undefined,
    }));
  } finally {
    await db.destroy();
  }
}

function inOrderOfReferences(model: DatabaseSync, names: readonly string[]): string[] {
  const ordered = new Set<string>();
  const add = (name: string) => {
    for (const other of textsOf(model, 'select distinct "table" as text from pragma_foreign_key_list(?)', name)) {
      if (other !== name) {
        add(other);
      }
    }
    ordered.add(name);
  };
  names.forEach(add);
  return [...ordered];
}

function textsOf(model: DatabaseSync, query: string, ...parameters: readonly string[]): string[] {
  return model
    .prepare(query)
    .all(...parameters)
    .map(({ text }) => String(text));
}
