/** Clients from the PostgreSQL database of Fides or Fidesops. Nothing is written to it, and no digest of a secret is read. */
import pg from 'pg';
import { CommandError, usageError } from '../command/command-error.ts';
import { exitCodes } from '../command/exit-code.ts';
import { type FidesClient, readFidesClient } from './fides-client.ts';

/** Milliseconds to connect, and for the one statement. */
const timeoutMs = 30_000;

/** The table has other columns in every version, so that each row comes as an object of those that there are. */
const query = `select to_jsonb(client) - 'hashed_secret' - 'salt' as client from client order by created_at, id`;

/**
 * The password is where PostgreSQL's own programs have it: in `PGPASSWORD` or `~/.pgpass`, for an argument can be seen by
 * other users. Throws `CommandError`.
 */
export async function readFromDatabase(url: string): Promise<FidesClient[]> {
  const parsed = URL.parse(url);
  if (parsed === null || !['postgres:', 'postgresql:'].includes(parsed.protocol)) {
    throw usageError('--database-url is no URL of a database. Example: postgres://fides@db.example.com:5432/fides');
  }
  if (parsed.password !== '' || parsed.searchParams.has('password')) {
    throw usageError(
      'the password in --database-url can be seen by others on this machine. Leave it out, and set PGPASSWORD.',
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
    return rows.flatMap((row) => readFidesClient(row.client) ?? []);
  } catch (error) {
    throw explain(error as pg.DatabaseError, parsed);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function explain({ code, message }: pg.DatabaseError, { host, pathname }: URL): CommandError {
  const database = `the database ${pathname.slice(1)} at ${host}`;
  switch (code) {
    case '42P01':
    case '42703':
      return new CommandError(`${database} has no table "client" as Fides has it. Is it the right one?`);
    case '28P01':
    case '28000':
      return new CommandError(`${database} does not let you in. Set PGPASSWORD, and check the name in the URL.`, {
        exitCode: exitCodes.notAllowed,
      });
    default:
      return new CommandError(`cannot read ${database}: ${message || code}`, { exitCode: exitCodes.unreachable });
  }
}
