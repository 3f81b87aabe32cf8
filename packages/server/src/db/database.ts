/** The database that a server keeps everything in: an SQLite file for one machine, PostgreSQL for many nodes. */
import type { DatabaseConfig } from '../config/config.ts';
import type { DatabaseDriver } from './driver.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

/** Throws where an SQLite file cannot be opened; PostgreSQL is reached at its first use. */
export function openDatabase(config: DatabaseConfig): DatabaseDriver {
  return config.kind === 'sqlite' ? openSqlite(config) : openPostgres(config);
}

/** What a person may be told of a database: never its password. */
export function describeDatabase(config: DatabaseConfig): string {
  if (config.kind === 'sqlite') {
    return config.path;
  }
  const { host, pathname } = new URL(config.url);
  return host + pathname;
}
