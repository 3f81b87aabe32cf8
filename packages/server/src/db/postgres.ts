/** PostgreSQL through `pg`, under Kysely's own dialect. */

import { PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import type { PostgresConfig } from '../config/config.ts';
import type { DatabaseDriver } from './driver.ts';

const channel = 'postern_events';

/** The key of the advisory lock that serializes changes: "POST" in ASCII. */
const changesLock = 0x504f5354;

/** Milliseconds until a listener reconnects after it lost its connection. */
const reconnectAfterMs = 1_000;

/** Parses 64-bit integers as numbers: `pg` returns them as text, but ours are small enough to be exact. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 ? Number : (pg.types.getTypeParser(oid, format) as (value: string) => unknown),
};

/**
 * Opens a pool of at most `poolSize` connections. Connecting, waiting for a free connection and each statement may
 * take `timeoutMs` (0: forever). After that they fail, and the connection of the statement is destroyed, so that
 * nothing waits for a database that has stopped.
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
    // If the database still responds, it cancels the statement first, and the connection stays usable.
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs === 0 ? 0 : timeoutMs + 500,
    idle_in_transaction_session_timeout: 4 * timeoutMs,
  });
  // The pool replaces a connection that breaks, and the query on it, if any, fails by itself. Without these listeners
  // the `error` event, of idle connections and of those in use, would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));

  return {
    dialect: new PostgresDialect({ pool }),
    async lockChanges(transaction) {
      await sql`select pg_advisory_xact_lock(${changesLock})`.execute(transaction);
    },
    async tryLockChanges(transaction) {
      const { rows } = await sql<{ locked: boolean }>`
        select pg_try_advisory_xact_lock(${changesLock}) as locked`.execute(transaction);
      return rows[0]?.locked === true;
    },
    async isAwaited(transaction) {
      const { rows } = await sql<{ awaited: boolean }>`
        select exists (
          select 1 from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))
        ) as awaited`.execute(transaction);
      return rows[0]?.awaited === true;
    },
    async runApart(db, work) {
      try {
        return await db.transaction().execute(async (transaction) => {
          let isKept = false;
          const value = await work(transaction, async (conclude) => {
            await conclude(transaction);
            isKept = true;
          });
          if (!isKept) {
            throw new Undone(value);
          }
          return value;
        });
      } catch (thrown) {
        if (thrown instanceof Undone) {
          return thrown.value;
        }
        throw thrown;
      }
    },
    findFault: () => undefined,
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
        const reconnect = () => {
          if (!lost && !ended) {
            lost = true;
            next.end().catch(() => {});
            timer = setTimeout(connect, reconnectAfterMs);
            timer.unref();
          }
        };
        next.on('error', reconnect);
        next.on('end', reconnect);
        next.on('notification', wake);
        next
          .connect()
          .then(() => next.query(`listen ${channel}`))
          .then(wake, reconnect);
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

/** Thrown to roll a transaction back whose result is wanted all the same. */
class Undone<T> extends Error {
  readonly value: T;

  constructor(value: T) {
    super();
    this.value = value;
  }
}

/**
 * A connection that is destroyed if an answer does not arrive in time. `pg` would return it to the pool, where the next
 * query would wait behind the one that never ends.
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
