/** PostgreSQL through `pg`, under Kysely's own dialect. */
import {
  CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type DatabaseMetadataOptions,
  type DialectAdapter,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresDialect,
  PostgresDriver,
  PostgresIntrospector,
  type PostgresPool,
  sql,
  type TableMetadata,
  type TransactionSettings,
} from 'kysely';
import type { PostgresConfig } from '../config/config.ts';
import type { DatabaseDriver } from './driver.ts';
import { DatabaseFault } from './outage.ts';
import { openConnections, type PostgresClient, timeLimits } from './postgres-connections.ts';

const channel = 'postern_events';

/** The class of our advisory locks, which all programs on a database share: "POST" in ASCII. */
const lockClass = 0x504f5354;

/** The key of the lock that serializes changes: the class, and the table, so that several Posterns in a database do not wait for each other. */
const changesLock = sql`(${sql.lit(lockClass)}::bigint << 32) | 'event_head'::regclass::oid::bigint`;

/** Milliseconds until a listener reconnects after it lost its connection. */
const reconnectAfterMs = 1_000;

/** Connects as `openConnections` says. Leaves nothing in a session, which a pooler may give to others. */
export function openPostgres(config: PostgresConfig): DatabaseDriver {
  const { pool, openApart } = openConnections(config);
  return {
    dialect: new SharedSessionDialect(pool, config.timeoutMs),
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
    async readTime(db) {
      const { rows } = await sql<{ ms: number }>`
        select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`.execute(db);
      return rows[0]?.ms;
    },
    async announce(transaction) {
      await sql`select pg_notify(${channel}, '')`.execute(transaction);
    },
    listen(wake) {
      let client: PostgresClient | undefined;
      let timer: NodeJS.Timeout | undefined;
      let ended = false;
      const reconnect = () => {
        clearTimeout(timer);
        timer = ended ? undefined : setTimeout(connect, reconnectAfterMs).unref();
      };
      const connect = async () => {
        try {
          client = await openApart();
          // A pooler would deliver notifications to whoever uses the session next: those who poll need none.
          if (ended || client.isPooled) {
            await client.end();
            return;
          }
          client.on('end', reconnect);
          client.on('notification', wake);
          await client.query(`listen ${channel}`);
          wake();
        } catch {
          reconnect();
        }
      };
      void connect();
      return async () => {
        ended = true;
        clearTimeout(timer);
        await client?.end().catch(() => {});
      };
    },
  };
}

/** Kysely's dialect for sessions that may be shared with others, behind a pooler: everything ends with its transaction. */
class SharedSessionDialect extends PostgresDialect {
  readonly #pool: PostgresPool;
  readonly #timeoutMs: number;

  constructor(pool: PostgresPool, timeoutMs: number) {
    super({ pool });
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
  }

  override createDriver(): Driver {
    return new SharedSessionDriver(this.#pool, this.#timeoutMs);
  }

  override createAdapter(): DialectAdapter {
    return new SharedSessionAdapter();
  }

  override createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new CurrentSchemaIntrospector(db);
  }
}

class SharedSessionDriver extends PostgresDriver {
  readonly #timeoutMs: number;

  constructor(pool: PostgresPool, timeoutMs: number) {
    super({ pool });
    this.#timeoutMs = timeoutMs;
  }

  override async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const { isolationLevel, accessMode } = settings;
    const isolation = isolationLevel === undefined ? '' : ` isolation level ${isolationLevel}`;
    const begin = `begin${isolation}${accessMode === undefined ? '' : ` ${accessMode}`}`;
    const limits = this.#timeoutMs === 0 ? '' : `; ${timeLimits('local', this.#timeoutMs)}`;
    await connection.executeQuery(CompiledQuery.raw(begin + limits));
  }

  /** If the connection broke, so that nothing is left to roll back, the error that came first is the one to report. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await super.rollbackTransaction(connection as Parameters<PostgresDriver['rollbackTransaction']>[0]).catch(() => {});
  }
}

/** Locks migrations until the end of the transaction, and not until that of the session. */
class SharedSessionAdapter extends PostgresAdapter {
  override async acquireMigrationLock(db: Kysely<unknown>): Promise<void> {
    const { rows } = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(db);
    const schema = rows[0]?.schema ?? undefined;
    if (schema === undefined) {
      throw new DatabaseFault('schema_missing');
    }
    await sql`select pg_advisory_xact_lock(${sql.lit(lockClass)}, hashtext(${schema}))`.execute(db);
  }

  override async releaseMigrationLock(): Promise<void> {}
}

/** Knows only the tables of the schema in which tables are created: others may be those of another Postern. */
class CurrentSchemaIntrospector extends PostgresIntrospector {
  readonly #db: Kysely<unknown>;

  constructor(db: Kysely<unknown>) {
    super(db);
    this.#db = db;
  }

  override async getTables(options?: DatabaseMetadataOptions): Promise<TableMetadata[]> {
    const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(this.#db);
    return (await super.getTables(options)).filter(({ schema }) => schema === rows[0]?.schema);
  }
}

/** Thrown to roll a transaction back whose result is wanted all the same. */
class Undone<T> extends Error {
  readonly value: T;

  constructor(value: T) {
    super();
    this.value = value;
  }
}
