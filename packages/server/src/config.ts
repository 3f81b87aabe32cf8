/** Configuration from the environment: every variable, its unit and its check in one place. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { type SigningAlgorithm, signingAlgorithms } from '@postern/guard';

/** What stops a start: one line for the person who starts it. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export interface RootCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Which scopes a client may hand out that holds `client:create` and was given no `grantable_scopes`. */
export type DelegationMode = 'registry' | 'held';

export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly issuer: string;
  readonly dataDir: string;
  readonly database: DatabaseConfig;
  /** Seconds for which a node goes on with what it knows while it cannot follow the changes of others. */
  readonly maxStalenessSeconds: number;
  /** Clients that a process keeps in memory at the most. */
  readonly cachedClients: number;
  /** Processes that serve on the port. */
  readonly workers: number;
  /** Milliseconds that the process may be late before it sheds load. 0: however late. */
  readonly overloadMs: number;
  /** Undefined: kept in the data directory. */
  readonly root: RootCredentials | undefined;
  readonly accessTokenTtlSeconds: number;
  readonly signingAlgorithm: SigningAlgorithm;
  /** 0: keys are rotated by call only. */
  readonly keyRotationDays: number;
  /** 32 bytes. Undefined: kept in the data directory. */
  readonly masterKey: Buffer | undefined;
  readonly trustedProxies: readonly string[];
  /** Addresses and CIDRs that may be fetched from though they are not public. */
  readonly fetchAllowedNetworks: readonly string[];
  readonly delegation: DelegationMode;
  /** Who may register clients: nobody, or the holders of initial access tokens. RFC 7591 §3. */
  readonly registration: 'off' | 'initial_access_token';
  /** Whether DPoP proofs must carry a nonce of the server. RFC 9449 §8. */
  readonly dpopNonces: 'off' | 'required';
  /** Undefined: plain HTTP, for a proxy in front or for this machine. */
  readonly tls: TlsFiles | undefined;
  /** The header, in lower case, in which trusted proxies pass on the certificate of a client. */
  readonly clientCertificateHeader: string | undefined;
  readonly metrics: MetricsConfig;
  /** Base URL of the collector that traces are sent to. Undefined: there are none. */
  readonly otlpEndpoint: string | undefined;
  readonly logLevel: string;
}

/** Where the metrics are served: beside everything else, nowhere, or on a port of their own. */
export type MetricsConfig = 'beside' | 'off' | { readonly host: string; readonly port: number };

export type DatabaseConfig = SqliteConfig | PostgresConfig;

export interface SqliteConfig {
  readonly kind: 'sqlite';
  readonly path: string;
  /** For which a lock of another process is waited for. */
  readonly timeoutMs: number;
}

export interface PostgresConfig {
  readonly kind: 'postgres';
  /** With the password: never to be shown. */
  readonly url: string;
  /** Connections of one process at the most, besides the one that listens. */
  readonly poolSize: number;
  /** 0: for ever. */
  readonly timeoutMs: number;
}

/** What TLS needs, in PEM. */
export interface TlsFiles {
  /** The certificate of the server, with those that lead to its root. */
  readonly cert: string;
  readonly key: string;
  /** Roots of client certificates. Undefined: none is trusted for its issuer. */
  readonly clientCa: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks the environment. Throws `StartError` naming the variable, its fault and a right example. */
export function readConfig(env: Environment): ServerConfig {
  const port = readInteger(env, 'PORT', 8080, 1, 65_535);
  const dataDir = resolve(read(env, 'POSTERN_DATA_DIR') ?? './data');
  const tls = readTls(env);
  const trustedProxies = readNetworks(env, 'POSTERN_TRUSTED_PROXIES');
  const database = readDatabase(env, dataDir);
  return {
    host: readHost(env, 'HOST', '127.0.0.1'),
    port,
    issuer: readIssuer(env, port, tls !== undefined),
    dataDir,
    database,
    maxStalenessSeconds: readInteger(env, 'POSTERN_MAX_STALENESS_SECONDS', 60, 1, 31_536_000),
    cachedClients: readInteger(env, 'POSTERN_CACHED_CLIENTS', 10_000, 1, 10_000_000),
    overloadMs: readInteger(env, 'POSTERN_OVERLOAD_MS', 500, 0, 60_000),
    workers: readInteger(env, 'POSTERN_WORKERS', 1, 1, 256),
    root: readRoot(env, database),
    accessTokenTtlSeconds: 60 * readInteger(env, 'OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES', 11_520, 1, 5_256_000),
    signingAlgorithm: readChoice(env, 'POSTERN_SIGNING_ALGORITHM', signingAlgorithms),
    keyRotationDays: readInteger(env, 'POSTERN_KEY_ROTATION_DAYS', 90, 0, 3_650),
    masterKey: readMasterKey(env, database),
    trustedProxies,
    fetchAllowedNetworks: readNetworks(env, 'POSTERN_FETCH_ALLOWED_NETWORKS'),
    registration: readChoice(env, 'POSTERN_REGISTRATION', ['off', 'initial_access_token']),
    dpopNonces: readChoice(env, 'POSTERN_DPOP_NONCES', ['off', 'required']),
    delegation: readChoice(env, 'POSTERN_DELEGATION', ['registry', 'held']),
    tls,
    clientCertificateHeader: readCertificateHeader(env, trustedProxies),
    metrics: readMetrics(env, port),
    otlpEndpoint: readOtlpEndpoint(env),
    logLevel: readChoice(env, 'POSTERN_LOG_LEVEL', ['info', 'trace', 'debug', 'warn', 'error', 'silent']),
  };
}

/** An empty variable counts as not set, as in compose files that pass one through. */
function read(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

/** The variable, or the content of the file that `<name>_FILE` names. */
function readSecret(env: Environment, name: string): string | undefined {
  const value = read(env, name);
  const file = read(env, `${name}_FILE`);
  if (file === undefined) {
    return value;
  }
  if (value !== undefined) {
    throw new StartError(`${name} and ${name}_FILE are both set: keep one of them. Example: ${name}_FILE=${file}`);
  }
  return readFileOf(`${name}_FILE`, file, `/run/secrets/${name.toLowerCase()}`).trim();
}

function readFileOf(name: string, file: string, example: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(`${name}: cannot read ${file} (${code}). Example: ${name}=${example}`);
  }
}

function readInteger(env: Environment, name: string, fallback: number, least: number, most: number): number {
  const text = read(env, name);
  if (text === undefined) {
    return fallback;
  }
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new StartError(
      `${name}: "${text}" is not a whole number from ${least} to ${most}. Example: ${name}=${fallback}`,
    );
  }
  return value;
}

function readChoice<T extends string>(env: Environment, name: string, choices: readonly [T, ...T[]]): T {
  const text = read(env, name);
  const choice = text === undefined ? choices[0] : choices.find((known) => known === text);
  if (choice === undefined) {
    throw new StartError(`${name}: "${text}" is not one of ${choices.join(', ')}. Example: ${name}=${choices[0]}`);
  }
  return choice;
}

function readHost(env: Environment, name: string, fallback: string): string {
  const host = read(env, name) ?? fallback;
  if (isIP(host) === 0 && !/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host)) {
    throw new StartError(`${name}: "${host}" is not an address or host name. Example: ${name}=0.0.0.0`);
  }
  return host;
}

function readOtlpEndpoint(env: Environment): string | undefined {
  const text = read(env, 'POSTERN_OTLP_ENDPOINT');
  const url = text === undefined ? undefined : URL.parse(text);
  if (url === null || (url !== undefined && !/^https?:$/.test(url.protocol))) {
    throw new StartError(
      'POSTERN_OTLP_ENDPOINT: is not an http or https URL. Example: POSTERN_OTLP_ENDPOINT=http://localhost:4318',
    );
  }
  return text?.replace(/\/$/, '');
}

function readMetrics(env: Environment, mainPort: number): MetricsConfig {
  const text = read(env, 'POSTERN_METRICS_PORT');
  if (text === 'off') {
    return 'off';
  }
  const port = text === undefined ? mainPort : readInteger(env, 'POSTERN_METRICS_PORT', 9_090, 1, 65_535);
  const host = readHost(env, 'POSTERN_METRICS_HOST', readHost(env, 'HOST', '127.0.0.1'));
  return port === mainPort ? 'beside' : { host, port };
}

/** RFC 8414 §2: an https URL without query and fragment. Plain http is for this machine only. */
function readIssuer(env: Environment, port: number, speaksTls: boolean): string {
  const text = read(env, 'POSTERN_ISSUER') ?? `${speaksTls ? 'https' : 'http'}://localhost:${port}`;
  const wrong = (fault: string) =>
    new StartError(`POSTERN_ISSUER: "${text}" ${fault}. Example: POSTERN_ISSUER=https://auth.example.com`);
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw wrong('is not an https URL');
  }
  if (url.protocol === 'http:' && speaksTls) {
    throw wrong('must use https, since POSTERN_TLS_CERT_FILE is set');
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw wrong('must use https, since it is not on this machine');
  }
  if (text.includes('?') || text.includes('#') || url.username !== '' || url.password !== '') {
    throw wrong('must have no query, fragment or user');
  }
  // Stands in paths of its own and of others, where characters with a meaning there would not arrive as they are.
  if (!/^\/[A-Za-z0-9._~/-]*$/.test(url.pathname)) {
    throw wrong('must have only letters, digits and . _ ~ - / in its path');
  }
  if (text.endsWith('/') || (url.pathname === '/' ? url.origin : url.href) !== text) {
    throw wrong('must be written in its plain form, in lower case and without a slash at the end');
  }
  return text;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function readDatabase(env: Environment, dataDir: string): DatabaseConfig {
  const text = readSecret(env, 'DATABASE_URL') ?? `sqlite:${join(dataDir, 'postern.db')}`;
  const poolSize = readInteger(env, 'POSTERN_DATABASE_POOL_SIZE', 10, 1, 1_000);
  const timeoutMs = readInteger(env, 'POSTERN_DATABASE_TIMEOUT_MS', 3_000, 100, 60_000);
  if (/^postgres(ql)?:/.test(text)) {
    const url = URL.parse(text);
    if (url === null || url.hostname === '' || url.pathname.length < 2) {
      // The text is not repeated: it may hold a password.
      throw new StartError(
        'DATABASE_URL: must name host and database. Example: DATABASE_URL=postgres://postern:secret@db.example.com/postern',
      );
    }
    return { kind: 'postgres', url: text, poolSize, timeoutMs };
  }
  const path = /^sqlite:(?:\/\/(?=\/))?(?<path>[^?#]+)$/.exec(text)?.groups?.['path'];
  if (path === undefined || path.startsWith('//')) {
    throw new StartError(
      'DATABASE_URL: must be sqlite: and a path, or a postgres: URL. Example: DATABASE_URL=sqlite:/var/lib/postern.db',
    );
  }
  return { kind: 'sqlite', path: resolve(path), timeoutMs };
}

/** Nodes on one PostgreSQL must have the same; on a file there is a data directory that they share. */
function requireShared<T>(
  value: T | undefined,
  database: DatabaseConfig,
  name: string,
  example: string,
): T | undefined {
  if (value === undefined && database.kind === 'postgres') {
    throw new StartError(
      `${name} is missing: with PostgreSQL it must be set, and be the same on every node. Example: ${name}=${example}`,
    );
  }
  return value;
}

function readRoot(env: Environment, database: DatabaseConfig): RootCredentials | undefined {
  const clientId = read(env, 'OAUTH_ROOT_CLIENT_ID');
  const clientSecret = readSecret(env, 'OAUTH_ROOT_CLIENT_SECRET');
  if (clientId === undefined && clientSecret === undefined) {
    return requireShared(undefined, database, 'OAUTH_ROOT_CLIENT_ID', 'root');
  }
  if (clientId === undefined || clientSecret === undefined) {
    const [missing, example] =
      clientId === undefined
        ? ['OAUTH_ROOT_CLIENT_ID', 'root']
        : ['OAUTH_ROOT_CLIENT_SECRET', '$(openssl rand -hex 32)'];
    throw new StartError(
      `${missing} is missing: set the root client's id and secret both, or neither. Example: ${missing}=${example}`,
    );
  }
  return checkRoot({ clientId, clientSecret });
}

/**
 * Checks root credentials, wherever they come from. Unreserved characters only: they alone mean the same in a
 * form, in Basic with and without percent-encoding, and unquoted in a shell.
 */
export function checkRoot(root: RootCredentials): RootCredentials {
  if (!/^[A-Za-z0-9._~-]{1,128}$/.test(root.clientId)) {
    throw new StartError(
      'OAUTH_ROOT_CLIENT_ID: must be 1 to 128 letters, digits or . _ ~ -. Example: OAUTH_ROOT_CLIENT_ID=root',
    );
  }
  if (!/^[A-Za-z0-9._~-]{8,256}$/.test(root.clientSecret)) {
    throw new StartError(
      'OAUTH_ROOT_CLIENT_SECRET: must be 8 to 256 letters, digits or . _ ~ -; take a random one of 43 or more. ' +
        'Example: OAUTH_ROOT_CLIENT_SECRET=$(openssl rand -hex 32)',
    );
  }
  return root;
}

function readMasterKey(env: Environment, database: DatabaseConfig): Buffer | undefined {
  const name = 'POSTERN_MASTER_KEY';
  const text = requireShared(readSecret(env, name), database, name, '$(openssl rand -base64 32)');
  return text === undefined ? undefined : parseMasterKey(text);
}

/** 32 bytes from base64 or base64url text. Throws `StartError` without repeating the text. */
export function parseMasterKey(text: string): Buffer {
  const key = /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0);
  if (key.length !== 32) {
    throw new StartError(
      'POSTERN_MASTER_KEY: is not 32 bytes in base64. Example: POSTERN_MASTER_KEY=$(openssl rand -base64 32)',
    );
  }
  return key;
}

/** Certificate and key come together, and must be a pair; the client CA makes sense only with them. */
function readTls(env: Environment): TlsFiles | undefined {
  const [certName, keyName, clientCaName] = [
    'POSTERN_TLS_CERT_FILE',
    'POSTERN_TLS_KEY_FILE',
    'POSTERN_TLS_CLIENT_CA_FILE',
  ] as const;
  const [certFile, keyFile, clientCaFile] = [read(env, certName), read(env, keyName), read(env, clientCaName)];
  if (certFile === undefined && keyFile === undefined && clientCaFile === undefined) {
    return undefined;
  }
  const exampleOf = { [certName]: '/etc/postern/tls.crt', [keyName]: '/etc/postern/tls.key' };
  const fault = (name: keyof typeof exampleOf, text: string) =>
    new StartError(`${name}${text}. Example: ${name}=${exampleOf[name]}`);
  for (const [name, file] of [[certName, certFile] as const, [keyName, keyFile] as const]) {
    if (file === undefined) {
      throw fault(name, ' is missing: TLS needs the certificate and the key of the server');
    }
  }
  const cert = readFileOf(certName, certFile as string, exampleOf[certName] as string);
  const key = readFileOf(keyName, keyFile as string, exampleOf[keyName] as string);
  const [certificate] = parseCertificates(certName, cert, exampleOf[certName] as string);
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(key);
  } catch {
    throw fault(keyName, `: ${keyFile} holds no private key in PEM without a passphrase`);
  }
  if (certificate?.checkPrivateKey(privateKey) !== true) {
    throw fault(keyName, `: the key in ${keyFile} is not the one of the certificate in ${certFile}`);
  }
  if (clientCaFile === undefined) {
    return { cert, key, clientCa: undefined };
  }
  const clientCa = readFileOf(clientCaName, clientCaFile, '/etc/postern/client-ca.crt');
  parseCertificates(clientCaName, clientCa, '/etc/postern/client-ca.crt');
  return { cert, key, clientCa };
}

/** The certificates in a PEM file, one at least. */
function parseCertificates(name: string, pem: string, example: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    if (blocks.length > 0) {
      return blocks.map((block) => new X509Certificate(block));
    }
  } catch {
    // Answered below, with the name of the variable.
  }
  throw new StartError(`${name}: the file holds no certificate in PEM, or a broken one. Example: ${name}=${example}`);
}

/** A name that anybody may send is believed from proxies only, so there must be some. */
function readCertificateHeader(env: Environment, trustedProxies: readonly string[]): string | undefined {
  const name = 'POSTERN_CLIENT_CERTIFICATE_HEADER';
  const header = read(env, name);
  if (header !== undefined && !/^[A-Za-z0-9-]{1,100}$/.test(header)) {
    throw new StartError(`${name}: "${header}" is not the name of a header. Example: ${name}=Client-Cert`);
  }
  if (header !== undefined && trustedProxies.length === 0) {
    throw new StartError(
      `POSTERN_TRUSTED_PROXIES is missing: ${name} is believed from these addresses only. ` +
        'Example: POSTERN_TRUSTED_PROXIES=10.0.0.0/8',
    );
  }
  return header?.toLowerCase();
}

function readNetworks(env: Environment, name: string): readonly string[] {
  const entries = (read(env, name) ?? '').split(',').map((entry) => entry.trim());
  const networks = entries.filter((entry) => entry !== '');
  const wrong = networks.find((network) => !isNetwork(network));
  if (wrong !== undefined) {
    throw new StartError(`${name}: "${wrong}" is not an address or CIDR. Example: ${name}=10.0.0.0/8`);
  }
  return networks;
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) {
    return false;
  }
  try {
    new BlockList().addSubnet(address, Number(prefix ?? 32), version === 4 ? 'ipv4' : 'ipv6');
    return true;
  } catch {
    return false;
  }
}
