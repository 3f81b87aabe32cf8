/** Connects to the database of a server: an SQLite file for one machine, or PostgreSQL for several nodes. */
import { Kysely } from 'kysely';
import type { DatabaseConfig, PostgresConfig } from '../config/config.ts';
import { describePostgres } from '../postgres-url.ts';
import type { DatabaseDriver } from './driver.ts';
import { type MigrationSet, migrate } from './migrate.ts';
import { isDatabaseOutage } from './outage.ts';
import { openPostgres } from './postgres.ts';
import type { Database } from './schema.ts';
import { openSqlite } from './sqlite.ts';

export interface ConnectedDatabase {
  readonly db: Kysely<Database>;
  readonly driver: DatabaseDriver;
  /** Returns how many statements have failed because the database was out of reach, busy or full. */
  readonly databaseOutages: () => number;
}

/** Connects, and migrates the tables. Throws what the database throws, or `StartError` if it is of a newer version. */
export async function connectDatabase(
  config: DatabaseConfig,
  migrations: readonly MigrationSet[],
): Promise<ConnectedDatabase> {
  const driver = openDriver(config);
  let outages = 0;
  const db = new Kysely<Database>({
    dialect: driver.dialect,
    log(event) {
      outages += event.level === 'error' && isDatabaseOutage(event.error) ? 1 : 0;
    },
  });
  try {
    await (config.kind === 'sqlite' ? migrateAll(db, migrations) : migrateWithoutTimeLimit(config, migrations));
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return { db, driver, databaseOutages: () => outages };
}

/** Uses a connection of its own, since migrations may take long. */
async function migrateWithoutTimeLimit(config: PostgresConfig, migrations: readonly MigrationSet[]): Promise<void> {
  const db = new Kysely<Database>({ dialect: openPostgres(withoutTimeLimit(config)).dialect });
  try {
    await migrateAll(db, migrations);
  } finally {
    await db.destroy();
  }
}

async function migrateAll(db: Kysely<Database>, migrations: readonly MigrationSet[]): Promise<void> {
  for (const set of migrations) {
    await migrate(db, set);
  }
}

/** For statements that may take long. */
export function withoutTimeLimit<C extends DatabaseConfig>(config: C): C {
  return config.kind === 'postgres' ? { ...config, timeoutMs: 0 } : config;
}

function openDriver(config: DatabaseConfig): DatabaseDriver {
  return config.kind === 'sqlite' ? openSqlite(config) : openPostgres(config);
}

/** Describes a database for people and logs, without its password. */
export function describeDatabase(config: DatabaseConfig): string {
  if (config.kind === 'sqlite') {
    return config.path;
  }
  return describePostgres(config.url);
}
