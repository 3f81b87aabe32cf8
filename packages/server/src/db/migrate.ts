/** Brings a database's tables to what this version expects, at start. Never back. */
import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { StartError } from '../start-error.ts';

export interface MigrationSet {
  /** The package whose tables these are; it keeps its own record of what ran. */
  readonly owner: string;
  /** By name, in the alphabetical order in which they run. */
  readonly migrations: Readonly<Record<string, Migration>>;
}

/**
 * Runs what has not run yet. Throws `StartError` where the database was written by a newer version, whose tables
 * this one would misread.
 */
export async function migrate<DB>(db: Kysely<DB>, { owner, migrations }: MigrationSet): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableName: `${owner}_migration`,
    migrationLockTableName: `${owner}_migration_lock`,
  });
  const unknown = (await executed(db, `${owner}_migration`)).find((name) => migrations[name] === undefined);
  if (unknown !== undefined) {
    throw new StartError(
      `The database was written by a newer version of Postern (${owner} migration ${unknown}): ` +
        'start that version or a later one, or restore a backup from before the upgrade.',
    );
  }
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) {
    throw error;
  }
}

async function executed<DB>(db: Kysely<DB>, table: string): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === table)) {
    return [];
  }
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(table)}`.execute(db);
  return rows.map(({ name }) => name);
}
