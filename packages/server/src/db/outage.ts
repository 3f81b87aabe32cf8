/** Which database errors are outages: temporary, or for the operator to resolve, and not a mistake of the request. */
import pg from 'pg';

export type OutageReason =
  | 'unreachable'
  | 'tls_failed'
  | 'credentials_rejected'
  | 'access_rejected'
  | 'parameter_rejected'
  | 'database_missing'
  | 'schema_missing'
  | 'standby'
  | 'read_only'
  | 'no_privileges'
  | 'too_many_connections'
  | 'busy'
  | 'disk_full'
  | 'out_of_memory'
  | 'locked'
  | 'interrupted'
  | 'io_error'
  | 'damaged'
  | 'file_lost';

/** An outage in words. None holds a secret, so callers may see `text`. */
export interface Outage {
  readonly reason: OutageReason;
  /** What is wrong, as the end of a sentence that says that the database cannot be used. */
  readonly text: string;
  /** What the operator can do about it: a sentence. */
  readonly cure: string;
}

/** Thrown if a connection to PostgreSQL cannot be used. Whatever the cause is, a later one may be. */
export class ConnectFault extends Error {
  override readonly name = 'ConnectFault';
  readonly code: string | undefined;
  /** Which of the ways to connect has failed. Undefined: none was tried. */
  readonly way: string | undefined;

  constructor(cause: unknown, way?: string) {
    const { message, code } = cause as NodeJS.ErrnoException;
    super(message || code, { cause });
    this.code = code;
    this.way = way;
  }
}

/** What Postern itself finds wrong with a database that answers. */
export class DatabaseFault extends Error {
  override readonly name = 'DatabaseFault';
  readonly reason: OutageReason;

  constructor(reason: OutageReason) {
    super(outages[reason].text);
    this.reason = reason;
  }
}

const outages: Readonly<Record<OutageReason, Omit<Outage, 'reason'>>> = {
  unreachable: {
    text: 'it cannot be reached',
    cure: 'Check host, port and name in DATABASE_URL, and that the database runs and the network lets Postern through.',
  },
  tls_failed: {
    text: 'a TLS connection to it cannot be made',
    cure: 'Name the certificate authority of the server by sslrootcert in DATABASE_URL, and connect by the name in its certificate; if the server has no TLS, use sslmode=disable.',
  },
  credentials_rejected: {
    text: 'it rejected the user name or the password',
    cure: 'Put the present password into DATABASE_URL, or into the file that DATABASE_URL_FILE names, which is read again for each new connection.',
  },
  access_rejected: {
    text: 'it does not accept this user from this address',
    cure: 'Allow it in pg_hba.conf, or connect as another user, or with another sslmode in DATABASE_URL.',
  },
  parameter_rejected: {
    text: 'a pooler in between rejects a parameter of the connection',
    cure: 'Remove options from DATABASE_URL and set it for the role: alter role USER set search_path = NAME.',
  },
  database_missing: {
    text: 'the database does not exist',
    cure: 'Create it: create database NAME owner USER. Or correct its name in DATABASE_URL.',
  },
  schema_missing: {
    text: 'no schema of the search path exists',
    cure: 'Create it: create schema NAME authorization USER. Or correct search_path in DATABASE_URL or of the role.',
  },
  standby: {
    text: 'the server is a standby, which takes no writes',
    cure: 'Name the primary in DATABASE_URL, or all servers: postgres://USER@HOST1,HOST2/NAME?target_session_attrs=primary.',
  },
  read_only: {
    text: 'the database is read-only',
    cure: 'Make it writable again: default_transaction_read_only of the server, the database and the role must be off.',
  },
  no_privileges: {
    text: 'the user lacks a privilege',
    cure: 'Make the user of DATABASE_URL the owner of the tables: alter database NAME owner to USER, or alter schema NAME owner to USER.',
  },
  too_many_connections: {
    text: 'it has no connection left',
    cure: 'Lower POSTERN_DATABASE_POOL_SIZE, or raise the limit of the server, the database or the role.',
  },
  busy: {
    text: 'all connections to it are in use',
    cure: 'Find out what makes statements slow, or raise POSTERN_DATABASE_POOL_SIZE.',
  },
  disk_full: { text: 'its disk is full', cure: 'Free some space on the disk of the database.' },
  out_of_memory: { text: 'it has no memory left', cure: 'Give the database more memory or fewer connections.' },
  locked: {
    text: 'another process or transaction holds a lock for too long',
    cure: 'Find and end what holds it; pg_locks and pg_stat_activity list it.',
  },
  interrupted: { text: 'it interrupted the work', cure: 'If this does not pass, see the log of the database.' },
  damaged: {
    text: 'its data is damaged',
    cure: 'Stop Postern, see what postern doctor --local says, and restore a backup with postern restore --replace.',
  },
  file_lost: {
    text: 'its file was moved, deleted or replaced',
    cure: 'Stop Postern, put the file back or restore a backup, and start it again.',
  },
  io_error: {
    text: 'it cannot read or write its files',
    cure: 'See the log of the database and of the system for faults of the disk.',
  },
};

/** What to do about it if the database is a file. */
const sqliteCures: Partial<Readonly<Record<OutageReason, string>>> = {
  unreachable: 'Check the path in DATABASE_URL and the permissions of its directory.',
  read_only: 'Make the file, its directory and its file system writable for the user of Postern.',
  no_privileges: 'Make the user of Postern the owner of the file and its directory.',
  locked: 'End the program that has the file open, such as a shell or a backup.',
};

/**
 * By result code of SQLite, the extended or else the primary one: no permission, busy, locked, out of memory, read-only, I/O error, corrupt, full,
 * cannot open, locking protocol, not a database.
 */
const sqliteOutages: Readonly<Record<number, OutageReason>> = {
  3: 'no_privileges',
  5: 'locked',
  6: 'locked',
  7: 'out_of_memory',
  8: 'read_only',
  10: 'io_error',
  11: 'damaged',
  13: 'disk_full',
  14: 'unreachable',
  15: 'locked',
  26: 'damaged',
  // An I/O error, since the file ends before what it must have.
  522: 'damaged',
};

/** By SQLSTATE of PostgreSQL or its class. The first that matches counts. */
const postgresOutages: readonly (readonly [RegExp, OutageReason])[] = [
  [/^08/, 'unreachable'],
  [/^25006$/, 'read_only'],
  [/^28P01$/, 'credentials_rejected'],
  [/^28/, 'access_rejected'],
  [/^3D000$/, 'database_missing'],
  [/^3F000$/, 'schema_missing'],
  [/^42501$/, 'no_privileges'],
  [/^53100$/, 'disk_full'],
  [/^53200$/, 'out_of_memory'],
  [/^53/, 'too_many_connections'],
  [/^55P03$/, 'locked'],
  [/^40|^57/, 'interrupted'],
  [/^58/, 'io_error'],
  [/^XX00[12]$/, 'damaged'],
];

/** Messages of poolers, whose SQLSTATE is that of any protocol violation. */
const poolerOutages: readonly (readonly [RegExp, OutageReason])[] = [
  [/unsupported startup parameter/, 'parameter_rejected'],
  [/no more connections allowed/, 'too_many_connections'],
];

/** Error codes of sockets. */
const networkOutages = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
]);

/** Messages of `pg` errors that have no code: it could not connect, or closed the connection. */
const withoutConnection =
  /^(?:Query read timeout|Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Postgres connection has been discarded)/;

/** The code of the error about a database file that was moved, deleted or replaced. */
export const databaseFileLost = 'ERR_DATABASE_FILE_LOST';

/** In codes of Node and messages of `pg`. */
const tlsFaults = /CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|VERIFY|EPROTO|does not support SSL|establishing an SSL/;

/** Says why the database could not execute a statement now, but may later. Undefined: the error is something else. */
export function findOutage(thrown: unknown): Outage | undefined {
  const reason = findReason(thrown);
  if (reason === undefined) {
    return undefined;
  }
  const { text, cure } = outages[reason];
  return { reason, text, cure: (isSqlite(thrown) ? sqliteCures[reason] : undefined) ?? cure };
}

function findReason(thrown: unknown): OutageReason | undefined {
  if (thrown instanceof ConnectFault) {
    const { code = '', message } = thrown;
    return findReason(thrown.cause) ?? (tlsFaults.test(`${code} ${message}`) ? 'tls_failed' : 'unreachable');
  }
  if (thrown instanceof DatabaseFault) {
    return thrown.reason;
  }
  const { code, errcode, message } = thrown as {
    readonly code?: unknown;
    readonly errcode?: unknown;
    readonly message?: unknown;
  };
  if (isSqlite(thrown)) {
    // Extended codes have the primary one in their low byte.
    return typeof errcode === 'number' ? (sqliteOutages[errcode] ?? sqliteOutages[errcode & 0xff]) : undefined;
  }
  if (typeof code === 'string') {
    if (code === databaseFileLost) {
      return 'file_lost';
    }
    return networkOutages.has(code)
      ? 'unreachable'
      : (poolerOutages.find(([pattern]) => pattern.test(String(message))) ??
          postgresOutages.find(([pattern]) => code.length === 5 && pattern.test(code)))?.[1];
  }
  return typeof message === 'string' && withoutConnection.test(message) ? 'unreachable' : undefined;
}

function isSqlite(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException).code === 'ERR_SQLITE_ERROR';
}

/** What the log says of an error: of an outage the reason and the cure, of anything else where it was thrown. */
export function describeForLog(error: unknown): object {
  const outage = findOutage(error);
  return outage === undefined
    ? { err: error }
    : { database: outage.reason, detail: `${outage.text} (${(error as Error).message})`, cure: outage.cure };
}

/** True if the database could not execute a statement now, but may later. */
export function isDatabaseOutage(thrown: unknown): boolean {
  return findReason(thrown) !== undefined;
}

/** Whether a database threw it, for whatever reason. */
export function isDatabaseError(thrown: unknown): boolean {
  return isSqlite(thrown) || thrown instanceof pg.DatabaseError;
}

/** Whether PostgreSQL was given a text with a NUL character, which none of its texts can have: SQLSTATE 22021. */
export function isUnstorableText(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '22021';
}
