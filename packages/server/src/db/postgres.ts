/** PostgreSQL through `pg`, under Kysely's own dialect. */

import { PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import type { PostgresConfig } from '../config/config.ts';
import type { DatabaseDriver } from './driver.ts';

const channel = 'postern_events';

/** Milliseconds until a lost connection of a listener is made anew. */
const listenAgainMs = 1_000;

/** Sequence numbers and counts arrive as text, since they could exceed what a number holds exactly; ours do not. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 ? Number : (pg.types.getTypeParser(oid, format) as (value: string) => unknown),
};

/**
 * A pool of at most `poolSize` connections. Getting one, a statement and its answer may each take `timeoutMs` (0: for
 * ever), after which they fail and the connection is given up: nothing waits for a database that has stopped.
 */
export function openPostgres({ url, poolSize, timeoutMs }: PostgresConfig): DatabaseDriver {
  const connection = {
    connectionString: url,
    application_name: 'postern',
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    types,
  };
  const pool = new pg.Pool({
    ...connection,
    Client: DestroyOnTimeoutClient,
    max: poolSize,
    idleTimeoutMillis: 60_000,
    // The server gives up first, where it still can, so that the connection may live on.
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs === 0 ? 0 : timeoutMs + 500,
    idle_in_transaction_session_timeout: 4 * timeoutMs,
  });
  // A connection that breaks is replaced when the next one is asked for, and the query under way, if any, fails by
  // itself. Without listeners, of the idle ones and of those in use, it would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));

  return {
    dialect: new PostgresDialect({ pool }),
    async announce(transaction) {
      await sql`select pg_notify(${channel}, '')`.execute(transaction);
    },
    listen(wake) {
      let client: pg.Client | undefined;
      let timer: NodeJS.Timeout | undefined;
      let ended = false;
      const connect = () => {
        const next = new pg.Client(connection);
        client = next;
        let lost = false;
        const again = () => {
          if (!lost && !ended) {
            lost = true;
            next.end().catch(() => {});
            timer = setTimeout(connect, listenAgainMs);
            timer.unref();
          }
        };
        next.on('error', again);
        next.on('end', again);
        next.on('notification', wake);
        next
          .connect()
          .then(() => next.query(`listen ${channel}`))
          .then(wake, again);
      };
      connect();
      return async () => {
        ended = true;
        clearTimeout(timer);
        await client?.end().catch(() => {});
      };
    },
  };
}

/**
 * A connection that is given up when an answer does not come in time. `pg` would put it back into the pool, where the
 * next query would wait behind the one that never ends.
 */
class DestroyOnTimeoutClient extends pg.Client {
  // biome-ignore lint/suspicious/noExplicitAny: passes on whatever the many forms of `query` take
  override query(...parameters: any[]): any {
    const result: unknown = (super.query as (...parameters: unknown[]) => unknown).apply(this, parameters);
    if (result instanceof Promise) {
      result.catch((error: Error) => {
        if (error.message === 'Query read timeout') {
          this.connection.stream.destroy();
        }
      });
    }
    return result;
  }
}
