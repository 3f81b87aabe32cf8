/** Connections to PostgreSQL: which server they lead to, what is checked of a new one, and when one is dropped. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';
import type { PostgresConfig } from '../config/config.ts';
import { parsePostgresUrl } from '../postgres-url.ts';
import { ConnectFault, DatabaseFault, findOutage } from './outage.ts';

/** Milliseconds between two attempts to connect to a server that has no connection left. */
const retryFullMs = 100;

/** Milliseconds for which the pool stays as small as the server made it. */
const shrunkMs = 5_000;

/** Milliseconds after which an idle connection is probed, so that one that a firewall forgot is noticed. */
const keepAliveMs = 10_000;

/** Milliseconds until a connection is cut off that was ended and to which the server does not respond. */
const lingerMs = 1_000;

/** SQLSTATE of errors after which a connection is of no use: its server is a standby, shuts down, or broke it off. */
const finalErrors = /^(?:08...|25006|57P0.)$/;

/** Parses 64-bit integers as numbers: `pg` returns them as text, but ours are small enough to be exact. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 ? Number : (pg.types.getTypeParser(oid, format) as (value: string) => unknown),
};

export interface PostgresConnections {
  /** What Kysely takes connections from. Every failure to get one is a `ConnectFault`. */
  readonly pool: PostgresPool;
  /** Opens a connection outside the pool. */
  openApart(): Promise<PostgresClient>;
}

export interface PostgresClient extends pg.Client {
  /** Whether a pooler is in between, so that sessions are shared with others and nothing may be left in one. */
  readonly isPooled: boolean;
}

/** The limits of a session or, with `local`, of a transaction, as SQL. Milliseconds. */
export function timeLimits(scope: 'session' | 'local', timeoutMs: number): string {
  return `set ${scope} statement_timeout = ${timeoutMs}; set ${scope} idle_in_transaction_session_timeout = ${4 * timeoutMs}`;
}

/**
 * Opens a pool of at most `poolSize` connections, fewer if the server has no more: then callers wait. With several
 * servers, connections lead to the first one that takes writes. What they need (name, password, certificates) is read
 * again for each new connection. Connecting to a server and waiting for a free connection may take `connectTimeoutMs`,
 * each statement `timeoutMs` (0: forever); after that the connection is destroyed, so that nothing waits for a database
 * that has stopped.
 */
export function openConnections(config: PostgresConfig): PostgresConnections {
  const { poolSize, timeoutMs, connectTimeoutMs } = config;
  const route = createRoute(config);
  /** The connections that are open. */
  const open = new Set<Client>();
  /** When the next attempt to connect may be made, in milliseconds of the monotonic clock. */
  let attemptAt = 0;
  let shrunkUntil = 0;

  class Client extends pg.Client {
    readonly #way: Way;
    /** The error that aborted the transaction or ended the connection: what follows fails because of this one. */
    #aborted: Error | undefined;
    isPooled = false;

    constructor() {
      const way = route.read();
      super({
        fallback_application_name: 'postern',
        // Statements that do not wait for each other's results are sent together; the server performs them in order.
        pipeline: true,
        connectionTimeoutMillis: connectTimeoutMs,
        // For one that no longer responds; `timeLimits` makes PostgreSQL end the statement first.
        query_timeout: timeoutMs === 0 ? 0 : timeoutMs + 500,
        keepAlive: true,
        keepAliveInitialDelayMillis: keepAliveMs,
        types,
        ...way.config,
      });
      this.#way = way;
      // A connection that breaks is replaced, and the query on it fails by itself. Without a listener the event would
      // end the process.
      this.on('error', () => {});
    }

    override connect(): Promise<this>;
    override connect(callback: (error: Error) => void): void;
    override connect(callback?: (error: Error) => void): Promise<this> | undefined {
      const connected = this.#connect();
      if (callback === undefined) {
        return connected;
      }
      connected.then(() => callback(null as unknown as Error), callback);
      return undefined;
    }

    async #connect(): Promise<this> {
      try {
        await sleep(Math.max(0, attemptAt - performance.now()));
        await super.connect();
        await this.#prepare();
        open.add(this);
        this.once('end', () => void open.delete(this));
        return this;
      } catch (error) {
        this.end().catch(() => {});
        if (isFull(error)) {
          attemptAt = performance.now() + retryFullMs;
        } else {
          route.avoid(this.#way.id, error);
        }
        throw new ConnectFault(error, this.#way.id);
      }
    }

    /** Requires that the server takes writes, and limits the time of statements if the session is of this connection. */
    async #prepare(): Promise<void> {
      const { rows } = await super.query(
        `select pg_backend_pid() as pid, pg_is_in_recovery() as standby, current_setting('transaction_read_only') as read_only`,
      );
      const [{ pid, standby, read_only: readOnly }] = rows;
      if (standby) {
        throw new DatabaseFault('standby');
      }
      if (this.#way.isReadWrite && readOnly === 'on') {
        throw new DatabaseFault('read_only');
      }
      // A pooler invents the id by which it lets a client cancel.
      this.isPooled = pid !== (this as unknown as { processID: number }).processID;
      if (!this.isPooled && timeoutMs > 0) {
        await super.query(timeLimits('session', timeoutMs));
      }
    }

    // biome-ignore lint/suspicious/noExplicitAny: passes on whatever the many forms of `query` take
    override query(...parameters: any[]): any {
      const result: unknown = (super.query as (...parameters: unknown[]) => unknown).apply(this, parameters);
      return result instanceof Promise ? result.catch((error: NodeJS.ErrnoException) => this.#fail(error)) : result;
    }

    /** Ends a connection that is of no use any more, which the pool then drops. */
    #fail(error: NodeJS.ErrnoException): never {
      if (error.message === 'Query read timeout' || finalErrors.test(error.code ?? '')) {
        this.end().catch(() => {});
      }
      if (this.#aborted !== undefined && (error.code === '25P02' || error.message.startsWith('Client was closed'))) {
        throw this.#aborted;
      }
      this.#aborted = error;
      throw error;
    }

    /** Does not wait forever for a server that does not respond. */
    override end(): Promise<void>;
    override end(callback: (error: Error) => void): void;
    override end(callback?: (error: Error) => void): Promise<void> | undefined {
      const { stream } = this.connection;
      setTimeout(() => stream.destroy(), lingerMs).unref();
      return callback === undefined ? super.end() : void super.end(callback);
    }
  }

  const pool = new pg.Pool({
    Client: Client as unknown as new () => pg.ClientBase,
    max: poolSize,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 60_000,
  });
  pool.on('error', () => {});

  /** Until the server may have more connections again, others wait for those that it has given. */
  const shrink = () => {
    pool.options.max = Math.max(1, Math.min(pool.options.max, open.size));
    shrunkUntil = performance.now() + shrunkMs;
  };

  const connect = async (): Promise<PostgresPoolClient> => {
    const giveUpAt = performance.now() + connectTimeoutMs;
    const failed = new Set<string>();
    for (;;) {
      if (performance.now() > shrunkUntil) {
        pool.options.max = poolSize;
      }
      try {
        return await pool.connect();
      } catch (error) {
        const fault = toConnectFault(error, connectTimeoutMs);
        failed.add(fault.way ?? route.id());
        if (isFull(fault)) {
          shrink();
        }
        if (isFull(fault) ? performance.now() > giveUpAt : failed.has(route.id())) {
          throw fault;
        }
      }
    }
  };
  return {
    pool: { options: pool.options, connect, end: () => pool.end() },
    async openApart() {
      const client = new Client();
      await client.connect();
      return client;
    },
  };
}

/** One way to connect to one of the servers of the URL. */
interface Way {
  /** Its place in the URL. */
  readonly id: string;
  readonly config: pg.ClientConfig;
  readonly isReadWrite: boolean;
}

interface Route {
  /** The way that new connections take at present. */
  id(): string;
  /** Reads again what a new connection needs. */
  read(): Way;
  /** Takes another way from here on, if there is one, since this one failed. */
  avoid(id: string, error: unknown): void;
}

/** Stays with the way that worked last. */
function createRoute({ url, urlFile }: PostgresConfig): Route {
  const parse = (text: string) => parsePostgresUrl(text, (fault) => new Error(`DATABASE_URL: ${fault}`));
  let text = url;
  let address = parse(text);
  let server = 0;
  let way = 0;
  const waysOf = (index: number) => address.servers[index]?.ways ?? [];
  const id = () => `${server}/${way}`;
  return {
    id,
    read() {
      try {
        const found = urlFile === undefined ? url : readFileSync(urlFile, 'utf8').trim();
        address = parse(found);
        if (found !== text) {
          [text, server, way] = [found, 0, 0];
        }
      } catch {
        // While files are being replaced, what was read before continues to count.
      }
      return { id: id(), config: waysOf(server)[way] ?? {}, isReadWrite: address.isReadWrite };
    },
    avoid(failed, error) {
      if (failed !== id()) {
        return;
      }
      if (waysOf(server).length > 1 && isRefusedWay(error)) {
        way = (way + 1) % waysOf(server).length;
      } else {
        server = (server + 1) % address.servers.length;
        way = Math.min(way, waysOf(server).length - 1);
      }
    },
  };
}

/** Whether the server has no TLS, or accepts no connections with it or without it. */
function isRefusedWay(error: unknown): boolean {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return message === 'The server does not support SSL connections' || /^(?:28000|EPROTO|ERR_SSL.*)$/.test(code);
}

/** Whether the server, or the pooler in between, has no connection left. */
function isFull(error: unknown): boolean {
  return findOutage(error)?.reason === 'too_many_connections';
}

/** Finds out what the pool made an error of its own of. */
function toConnectFault(error: unknown, timeoutMs: number): ConnectFault {
  const { message, cause } = error as Error;
  const fault = [error, cause].find((one) => one instanceof ConnectFault);
  if (/timeout(?: expired)?$/.test(message)) {
    return new ConnectFault(new Error(`no answer within ${timeoutMs} ms`), fault?.way);
  }
  return (
    fault ?? new ConnectFault(message === 'timeout exceeded when trying to connect' ? new DatabaseFault('busy') : error)
  );
}
