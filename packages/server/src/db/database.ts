/** The database of a server: an SQLite file for one machine, or PostgreSQL for several nodes. */
import type { DatabaseConfig } from '../config/config.ts';
import type { DatabaseDriver } from './driver.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

/** Throws if an SQLite file cannot be opened. PostgreSQL is connected to at the first statement. */
export function openDatabase(config: DatabaseConfig): DatabaseDriver {
  return config.kind === 'sqlite' ? openSqlite(config) : openPostgres(config);
}

/** Describes a database for people and logs, without its password. */
export function describeDatabase(config: DatabaseConfig): string {
  if (config.kind === 'sqlite') {
    return config.path;
  }
  const { host, pathname } = new URL(config.url);
  return host + pathname;
}
