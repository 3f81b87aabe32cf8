/** Reads clients from the PostgreSQL database of another server. Writes nothing. */
import pg from 'pg';
import { CommandError, usageError } from '../command/command-error.ts';

/** Milliseconds for connecting, and again for the query. */
const timeoutMs = 30_000;

/**
 * Returns the column `client` of what the query selects. The password is in `PGPASSWORD` or `~/.pgpass`, as for PostgreSQL's own
 * programs, since other users can see arguments. Throws `CommandError`.
 */
export async function readFromDatabase(url: string, query: string, source: string): Promise<unknown[]> {
  const parsed = URL.parse(url);
  if (parsed === null || !['postgres:', 'postgresql:'].includes(parsed.protocol)) {
    throw usageError(
      '--database-url is not the URL of a PostgreSQL database. Example: postgres://reader@db.example.com:5432/name',
    );
  }
  if (parsed.password !== '' || parsed.searchParams.has('password')) {
    throw usageError(
      'other users of this machine can see the password in --database-url. Leave it out, and set PGPASSWORD.',
    );
  }
  const client = new pg.Client({
    connectionString: url,
    application_name: 'postern import',
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    options: '-c default_transaction_read_only=on',
  });
  try {
    await client.connect();
    const { rows } = await client.query<{ client: unknown }>(query);
    return rows.map(({ client: row }) => row);
  } catch (error) {
    throw explain(error as pg.DatabaseError, parsed, source);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function explain({ code, message }: pg.DatabaseError, { host, pathname }: URL, source: string): CommandError {
  const database = `the database ${pathname.slice(1)} at ${host}`;
  switch (code) {
    case '42P01':
    case '42703':
      return new CommandError(
        `${database} has no tables of clients like those of ${source}. Is it the right database?`,
      );
    case '28P01':
    case '28000':
      return new CommandError(
        `${database} rejected the credentials. Set PGPASSWORD, and check the user name in the URL.`,
        { exit: 'notAllowed' },
      );
    default:
      return new CommandError(`cannot read ${database}: ${message || code}`, { exit: 'unreachable' });
  }
}
