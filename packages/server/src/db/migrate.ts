/** Migrates a database to the tables that this version expects, at start. There is no way back. */
import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { StartError } from '../start-error.ts';

export interface MigrationSet {
  /** The package that owns the tables. Each package has its own record of the migrations that ran. */
  readonly owner: string;
  /** By name. They run in alphabetical order. */
  readonly migrations: Readonly<Record<string, Migration>>;
}

/**
 * Runs the migrations that have not run yet. Throws `StartError` if a newer version, whose tables this one would
 * misread, has written the database.
 */
export async function migrate<DB>(db: Kysely<DB>, { owner, migrations }: MigrationSet): Promise<void> {
  const record = { lockTable: `${owner}_migration_lock`, lockRowId: 'migration_lock', table: `${owner}_migration` };
  await db.transaction().execute(async (transaction) => {
    // The migrator locks only after it has created the tables of its record, which several processes may do at once.
    await transaction.getExecutor().adapter.acquireMigrationLock(transaction, record);
    const executed = await listExecuted(transaction, record.table);
    const unknown = executed.find((name) => migrations[name] === undefined);
    if (unknown !== undefined) {
      throw new StartError(
        `The database was written by a newer version of Postern (${owner} migration ${unknown}): ` +
          'start that version or a later one, or restore a backup from before the upgrade.',
      );
    }
    if (executed.length === Object.keys(migrations).length) {
      // The migrator would read the whole schema several times to find that out.
      return;
    }
    const migrator = new Migrator({
      db: transaction,
      provider: { getMigrations: async () => ({ ...migrations }) },
      migrationTableName: record.table,
      migrationLockTableName: record.lockTable,
    });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) {
      throw error;
    }
  });
}

/** Lists the names in a record of migrations. Empty if there is no such table. */
export async function listExecuted<DB>(db: Kysely<DB>, table: string): Promise<string[]> {
  if (!(await listTableNames(db)).has(table)) {
    return [];
  }
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(table)}`.execute(db);
  return rows.map(({ name }) => name);
}

/** Lists the tables that a statement means which names no schema. */
export async function listTableNames<DB>(db: Kysely<DB>): Promise<ReadonlySet<string>> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  const [first] = tables;
  if (first?.schema === undefined) {
    return new Set(tables.map(({ name }) => name));
  }
  const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(db);
  return new Set(tables.flatMap(({ schema, name }) => (schema === rows[0]?.schema ? name : [])));
}
