/**
 * The URL of a PostgreSQL database, which means what it means to libpq: several hosts, Unix sockets, TLS modes. What is
 * unknown or contradictory is refused by its name, since a parameter that is silently ignored may have been for safety.
 */
import { readFileSync } from 'node:fs';
import type { ClientConfig } from 'pg';
import { type ConnectionOptions, parse, toClientConfig } from 'pg-connection-string';
import { findNearMiss } from './near-miss.ts';

export interface PostgresAddress {
  readonly servers: readonly PostgresServer[];
  /** Refuses servers on which transactions are read-only by default, in addition to standbys. */
  readonly isReadWrite: boolean;
}

/** One host of the URL. */
export interface PostgresServer {
  /** How to connect. The second way, if there is one, is for a server that refuses the first: with and without TLS. */
  readonly ways: readonly [ClientConfig, ...ClientConfig[]];
}

/** Creates the error that is thrown. `fault` is the end of a sentence that begins with the name of the variable. */
export type InvalidUrl = (fault: string) => Error;

const knownParameters = [
  'application_name',
  'host',
  'options',
  'password',
  'port',
  'sslcert',
  'sslkey',
  'sslmode',
  'sslnegotiation',
  'sslrootcert',
  'target_session_attrs',
  'user',
];

const searchPath = 'use options=-c%20search_path%3DNAME, or: alter role … set search_path = NAME';
const timeouts = 'set POSTERN_DATABASE_TIMEOUT_MS';
const poolSize = 'set POSTERN_DATABASE_POOL_SIZE';

/** What other programs call it, and what to do here. */
const elsewhere: Readonly<Record<string, string>> = {
  search_path: searchPath,
  schema: searchPath,
  currentSchema: searchPath,
  connect_timeout: timeouts,
  statement_timeout: timeouts,
  pool_timeout: timeouts,
  connection_limit: poolSize,
  pool_size: poolSize,
  // The driver binds to the channel only if the server offers it, so that `require` would not be kept.
  channel_binding: 'remove it, and use sslmode=verify-full, after which nobody can stand between the two either',
  dbname: 'name the database in the path, as in postgres://HOST/NAME',
  ssl: 'use sslmode=require, or better sslmode=verify-full',
};

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/** Those that accept a server that takes writes. */
const sessionAttributes = ['any', 'primary', 'read-write'];

/** No fault repeats what may be a part of the password. */
const encoding = 'write # / ? and @ in a user name or password as %23 %2F %3F and %40';

const shapeFault = `must name host and database, as in postgres://HOST/NAME; ${encoding}`;

const shape =
  /^(?<scheme>postgres(?:ql)?:\/\/)(?:(?<userinfo>[^/?#]*)@)?(?<hosts>[^/?#]*)(?<path>\/[^?#]*)?(?:\?(?<query>[^#]*))?$/;

/** Reads the files that the URL names. Throws what `invalid` makes of a fault; no fault repeats the password. */
export function parsePostgresUrl(text: string, invalid: InvalidUrl): PostgresAddress {
  const { scheme, userinfo, hosts, path = '/', query = '' } = shape.exec(text)?.groups ?? {};
  if (scheme === undefined || hosts === undefined) {
    throw invalid(shapeFault);
  }
  const parameters = new URLSearchParams(query);
  const database = path.slice(1);
  const addresses = parseHosts(hosts, parameters, invalid);
  if (addresses.length === 0 || database === '' || database.includes('/')) {
    throw invalid(shapeFault);
  }
  requireKnown(parameters, invalid);
  const attributes = parameters.get('target_session_attrs') ?? 'any';
  if (!sessionAttributes.includes(attributes)) {
    throw invalid(
      `target_session_attrs=${attributes} cannot be used, since Postern writes: use ${sessionAttributes.join(', ')}`,
    );
  }
  const { mode, rest } = parseTls(parameters, invalid);
  const userPart = userinfo === undefined ? '' : `${userinfo}@`;
  return {
    isReadWrite: attributes === 'read-write',
    servers: addresses.map(({ host, port }) => {
      const url = `${scheme}${userPart}${host}${port === '' ? '' : `:${port}`}/${database}?${rest}`;
      const [first, ...others] = waysOf(host, mode).map((way) => parseOne(`${url}&sslmode=${way}`, invalid));
      return { ways: [first as ClientConfig, ...others] };
    }),
  };
}

/** Names the hosts and the database for people and logs, without user and password. */
export function describePostgres(text: string): string {
  const { hosts = '', path = '', query = '' } = shape.exec(text)?.groups ?? {};
  const parameters = new URLSearchParams(query);
  const host = parameters.get('host') ?? decodeURIComponent(hosts);
  const port = parameters.get('port');
  return `PostgreSQL at ${host}${port === null ? '' : `:${port}`}${path}`;
}

function requireKnown(parameters: URLSearchParams, invalid: InvalidUrl): void {
  for (const name of parameters.keys()) {
    if (knownParameters.includes(name)) {
      continue;
    }
    const meant = findNearMiss(name, knownParameters);
    const advice = elsewhere[name] ?? (meant === undefined ? 'remove it' : `did you mean ${meant}?`);
    // What follows an unencoded ? in a password is no name.
    const shown = /^\w{1,40}$/.test(name) ? `the parameter ${name}` : 'a parameter';
    throw invalid(`${shown} of the URL is not supported: ${advice}`);
  }
}

interface HostAndPort {
  /** As it is written in a URL. */
  readonly host: string;
  /** Empty: the default. */
  readonly port: string;
}

/** From the authority or, as in libpq, from the parameters `host` and `port`; several are separated by commas. */
function parseHosts(authority: string, parameters: URLSearchParams, invalid: InvalidUrl): HostAndPort[] {
  const named = parameters.get('host')?.split(',').map(encodeHost);
  const ports = parameters.get('port')?.split(',') ?? [];
  const written = authority.split(',').filter((entry) => entry !== '');
  const entries = named ?? written;
  if (ports.length > 1 && ports.length !== entries.length) {
    throw invalid(`port has ${ports.length} entries for ${entries.length} hosts`);
  }
  return entries.map((entry, index) => {
    const { host, port = ports[index] ?? ports[0] ?? '' } =
      /^(?<host>\[[^\]]+\]|[^:]+)(?::(?<port>.*))?$/.exec(entry)?.groups ?? {};
    if (host === undefined || !URL.canParse(`postgres://${host}/`)) {
      throw invalid(`names an invalid host; ${encoding}`);
    }
    if (port !== '' && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
      throw invalid(`names an invalid port; ${encoding}`);
    }
    return { host, port };
  });
}

/** Directories of sockets have slashes, and addresses of IPv6 have colons. */
function encodeHost(host: string): string {
  return host.includes(':') && !host.startsWith('/') ? `[${host}]` : encodeURIComponent(host);
}

/** Returns the TLS mode, and the parameters that are the same for every host. */
function parseTls(parameters: URLSearchParams, invalid: InvalidUrl) {
  const rest = new URLSearchParams(parameters);
  for (const name of ['host', 'port', 'sslmode', 'target_session_attrs']) {
    rest.delete(name);
  }
  const isSystem = rest.get('sslrootcert') === 'system';
  const given = parameters.get('sslmode') ?? (process.env['PGSSLMODE'] || undefined);
  const mode = given ?? (isSystem ? 'verify-full' : 'prefer');
  if (!sslModes.includes(mode)) {
    throw invalid(`sslmode=${mode} is not one of ${sslModes.join(', ')}`);
  }
  if (isSystem) {
    if (mode !== 'verify-full') {
      throw invalid(`sslrootcert=system needs sslmode=verify-full, not ${mode}`);
    }
    rest.delete('sslrootcert');
  }
  if (mode === 'verify-ca' && !rest.has('sslrootcert')) {
    throw invalid('sslmode=verify-ca needs sslrootcert; with a public certificate authority use sslmode=verify-full');
  }
  if (rest.has('sslcert') !== rest.has('sslkey')) {
    throw invalid('sslcert and sslkey belong together: set both or neither');
  }
  const negotiation = rest.get('sslnegotiation') ?? 'postgres';
  if (!['postgres', 'direct'].includes(negotiation)) {
    throw invalid(`sslnegotiation=${negotiation} is not one of postgres, direct`);
  }
  if (negotiation === 'direct' && ['disable', 'allow', 'prefer'].includes(mode)) {
    throw invalid(`sslnegotiation=direct needs sslmode=require or stricter, not ${mode}`);
  }
  for (const name of ['sslrootcert', 'sslcert', 'sslkey']) {
    requireReadable(name, rest.get(name), invalid);
  }
  return { mode, rest };
}

function requireReadable(name: string, file: string | null, invalid: InvalidUrl): void {
  try {
    if (file !== null) {
      readFileSync(file);
    }
  } catch (error) {
    throw invalid(`cannot read ${file}, which ${name} names (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** The TLS modes in which to try, in order. As in libpq, TLS is not used on sockets. */
function waysOf(host: string, mode: string): string[] {
  if (/^%2f/i.test(host)) {
    return ['disable'];
  }
  switch (mode) {
    case 'allow':
      return ['disable', 'prefer'];
    case 'prefer':
      return ['prefer', 'disable'];
    default:
      return [mode];
  }
}

/** Of a URL with one host. */
function parseOne(url: string, invalid: InvalidUrl): ClientConfig {
  let options: ConnectionOptions;
  try {
    options = parse(url, { useLibpqCompat: true });
  } catch {
    throw invalid(shapeFault);
  }
  const { host, port, user, password, database, ssl, application_name, options: session, sslnegotiation } = options;
  return toClientConfig({
    host,
    port: port ?? null,
    database,
    ...(user && { user }),
    ...(password && { password }),
    ssl: ssl ?? false,
    ...(application_name && { application_name }),
    ...(session && { options: session }),
    ...(sslnegotiation && ssl && { sslnegotiation }),
  });
}
