/** Reads the configuration from the environment: each variable by itself, then the rules about several of them. */

import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { decodeUtf8, isConfidential } from '@postern/protocol';
import { type CertificateExpiry, findExpiries, readCertificates } from '../certificates/certificate-expiry.ts';
import { parseRevocationLists, type RevocationList } from '../certificates/revocation-lists.ts';
import type { RoleRule } from '../claims/role-rules.ts';
import { invalidVariable, missingVariable, StartError } from '../start-error.ts';
import type { DatabaseAddress } from './variable-parsers.ts';
import { parseVariable, type Variable, type VariableKey, type VariableValues, variables } from './variables.ts';

/** What the names of the variables begin with that are part of a setting below, or of the whole process. */
const partsOfSettings = [
  ...(['database', 'rootClient', 'tls', 'metrics', 'checkpoint', 'signIn', 'accessTokenTtlMinutes'] as const),
  ...(['caFile', 'httpsProxy', 'httpProxy', 'noProxy'] as const),
];

type PartOfSettings = VariableKey & `${(typeof partsOfSettings)[number]}${string}`;

/** The variables under the names that the table gives them, except those that are part of a setting below. */
export interface ServerConfig extends Omit<VariableValues, PartOfSettings> {
  readonly accessTokenTtlSeconds: number;
  readonly trustedProxies: readonly string[];
  readonly fetchAllowedNetworks: readonly string[];
  readonly database: DatabaseConfig;
  /** Undefined: kept in the data directory. So is the master key. */
  readonly root: RootCredentials | undefined;
  /** Undefined: plain HTTP, for a proxy in front or for this machine. */
  readonly tls: TlsFiles | undefined;
  /** The files that it is from. */
  readonly tlsFiles: TlsFileNames | undefined;
  /** Authorities that outgoing connections trust in addition, in PEM. */
  readonly ca: string | undefined;
  readonly metrics: MetricsConfig;
  readonly checkpoints: CheckpointsConfig;
  /** Undefined: people sign in with the secrets of clients. */
  readonly signIn: SignInConfig | undefined;
}

/** The OpenID provider at which people sign in. */
export interface SignInConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly credentials: { readonly secret: string } | { readonly privateKey: KeyObject };
  /** With spaces between them. */
  readonly scope: string;
  readonly roles: readonly RoleRule[];
}

export type DelegationMode = ServerConfig['delegation'];

export type DatabaseConfig = SqliteConfig | PostgresConfig;

export type SqliteConfig = Extract<DatabaseAddress, { kind: 'sqlite' }> & {
  /** How long to wait for a lock that another process holds. */
  readonly timeoutMs: number;
};

export type PostgresConfig = Extract<DatabaseAddress, { kind: 'postgres' }> & {
  /** The file that the URL is from. Undefined: the environment. */
  readonly urlFile: string | undefined;
  readonly poolSize: number;
  /** For connecting to a server, and for waiting for a free connection. */
  readonly connectTimeoutMs: number;
  /** For a statement. 0: forever. */
  readonly timeoutMs: number;
};

export interface RootCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** The root client of an installation. */
export interface RootConfig extends RootCredentials {
  /** By the configuration of this node. */
  readonly enabled: boolean;
}

/** What TLS needs, in PEM. */
export interface TlsFiles {
  /** The certificate of the server, followed by the intermediate ones. */
  readonly cert: string;
  readonly key: string;
  /** Roots of client certificates. Undefined: no client certificate is trusted for its issuer. */
  readonly clientCa: string | undefined;
  /** The revocation lists of these roots. Undefined: revocation is not checked. */
  readonly clientCrl: { readonly lists: readonly RevocationList[] } | undefined;
}

/** The files that hold what TLS needs. */
export interface TlsFileNames {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
  readonly clientCrl: string | undefined;
}

/** Whether the metrics are served on the port of everything else, not at all, or on a port of their own. */
export type MetricsConfig = 'beside' | 'off' | { readonly host: string; readonly port: number };

/** A bucket of an S3-like store. */
export interface CheckpointBucket {
  /** URL of the bucket and the beginning of the names of its objects, without a slash at the end. */
  readonly url: string;
  /** Undefined: the store accepts unsigned requests of this machine. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** Where and how often checkpoints of the audit trail are kept. */
export interface CheckpointsConfig {
  readonly file: string | undefined;
  readonly bucket: CheckpointBucket | undefined;
  readonly intervalMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks the environment. Throws `StartError`, which names the variable, its fault and a right example. */
export function readConfig(env: Environment): ServerConfig {
  const values = readValues(env);
  const root = rootOf(values);
  if (values.databaseUrl.kind === 'postgres') {
    // With SQLite, processes share a data directory; with PostgreSQL, nodes share nothing but the database.
    const keys = ['rootClientId', 'masterKey'] as const;
    requireSet(values, keys, 'with PostgreSQL it must be set, and be the same on every node');
  }
  const tlsFiles = tlsFilesOf(values);
  const tls = tlsFiles && { ...readTlsIdentity(tlsFiles), clientCrl: readClientCrl(tlsFiles) };
  requireProxies(values);
  const ca = values.caFile === undefined ? undefined : readFileOf('caFile', values.caFile);
  requireConfidentialIssuer(values);
  requireConfidentialOrigins(values);
  const { checkpointUrl: url, metricsPort } = values;
  return {
    ...withoutParts(values),
    issuer: tls === undefined ? values.issuer : requireHttps(values.issuer, readText(env, variables.issuer)),
    accessTokenTtlSeconds: 60 * values.accessTokenTtlMinutes,
    trustedProxies: values.trustedProxies ?? [],
    fetchAllowedNetworks: values.fetchAllowedNetworks ?? [],
    database: databaseOf(env, values),
    root,
    tls,
    tlsFiles,
    ca,
    signIn: signInOf(values),
    checkpoints: {
      file: values.checkpointFile,
      bucket: url === undefined ? undefined : { url, credentials: accessKeyOf(values) },
      intervalMs: 60_000 * values.checkpointMinutes,
    },
    metrics:
      metricsPort === 'off'
        ? 'off'
        : metricsPort === values.port
          ? 'beside'
          : { host: values.metricsHost, port: metricsPort },
  };
}

function withoutParts(values: VariableValues): Omit<VariableValues, PartOfSettings> {
  const others = Object.entries(values).filter(([key]) => !partsOfSettings.some((part) => key.startsWith(part)));
  return Object.fromEntries(others) as Omit<VariableValues, PartOfSettings>;
}

function databaseOf(env: Environment, values: VariableValues): DatabaseConfig {
  const { databaseUrl, databasePoolSize: poolSize, databaseTimeoutMs: timeoutMs } = values;
  return databaseUrl.kind === 'sqlite'
    ? { ...databaseUrl, timeoutMs }
    : {
        ...databaseUrl,
        urlFile: readNonEmpty(env, `${variables.databaseUrl.name}_FILE`),
        poolSize,
        connectTimeoutMs: timeoutMs,
        timeoutMs,
      };
}

/** What the commands need that work on the database while no server runs. */
export interface StorageConfig
  extends Pick<ServerConfig, 'dataDir' | 'database' | 'masterKey' | 'root' | 'rootDisabled'> {
  /** The file that the master key was read from, if a variable names one. */
  readonly masterKeyFile: string | undefined;
}

/** Reads where everything is kept, as `readConfig` does. What else a server needs may be missing. */
export function readStorageConfig(env: Environment): StorageConfig {
  const values = readValues(env);
  const { dataDir, masterKey, rootDisabled } = values;
  return {
    dataDir,
    database: databaseOf(env, values),
    masterKey,
    masterKeyFile: readNonEmpty(env, `${variables.masterKey.name}_FILE`),
    root: rootOf(values),
    rootDisabled,
  };
}

/** Each variable, or its default, by its own parser. */
function readValues(env: Environment): VariableValues {
  const values: Partial<Record<VariableKey, unknown>> = {};
  const byName = new Map<string, unknown>();
  for (const [key, variable] of Object.entries(variables) as [VariableKey, Variable][]) {
    const text = readText(env, variable) ?? defaultOf(variable, byName);
    values[key] = text === undefined ? undefined : parseVariable(key, text);
    byName.set(variable.name, values[key]);
  }
  return values as VariableValues;
}

function defaultOf({ default: text }: Variable, byName: ReadonlyMap<string, unknown>): string | undefined {
  return text === 'none' || text === 'generated'
    ? undefined
    : text.replaceAll(/\$([A-Z_]+)/g, (_, name) => String(byName.get(name)));
}

/** The text of the variable, or of the file that `<name>_FILE` names. */
function readText(env: Environment, { name, orFile }: Variable): string | undefined {
  const text = readNonEmpty(env, name);
  const file = orFile ? readNonEmpty(env, `${name}_FILE`) : undefined;
  if (file === undefined) {
    return text;
  }
  if (text !== undefined) {
    throw new StartError(`${name} and ${name}_FILE are both set: keep one of them. Example: ${name}_FILE=${file}`);
  }
  return readTextFile(`${name}_FILE`, file, `/run/secrets/${name.toLowerCase()}`).trim();
}

/** An empty variable counts as not set, as in compose files that pass one on. */
function readNonEmpty(env: Environment, name: string): string | undefined {
  return env[name]?.trim() || undefined;
}

function readTextFile(name: string, file: string, example: string): string {
  try {
    return decodeUtf8(readFileSync(file));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw invalidVariable(name, code === undefined ? `${file}: ${message}` : `cannot read ${file} (${code})`, example);
  }
}

/** The text of the file that the variable names. */
function readFileOf(key: `${string}File` & VariableKey, file: string): string {
  const { name, example } = variables[key];
  return readTextFile(name, file, example);
}

function missing(key: VariableKey, why: string): StartError {
  const { name, default: fallback, example = fallback }: Variable = variables[key];
  return missingVariable(name, why, example);
}

function invalid(key: VariableKey, fault: string): StartError {
  const { name, default: fallback, example = fallback }: Variable = variables[key];
  return invalidVariable(name, fault, example);
}

function areUnset(values: VariableValues, keys: readonly VariableKey[]): boolean {
  return keys.every((key) => values[key] === undefined);
}

/** Returns the values. Throws `StartError` that names the first of the variables that is not set. */
function requireSet<Key extends VariableKey>(values: VariableValues, keys: readonly Key[], why: string) {
  const unset = keys.find((key) => values[key] === undefined);
  if (unset !== undefined) {
    throw missing(unset, why);
  }
  return values as { readonly [K in Key]: Exclude<VariableValues[K], undefined> };
}

function rootOf(values: VariableValues): RootCredentials | undefined {
  const keys = ['rootClientId', 'rootClientSecret'] as const;
  if (areUnset(values, keys)) {
    return undefined;
  }
  const why = 'set both the id and the secret of the root client, or neither';
  const { rootClientId: clientId, rootClientSecret: clientSecret } = requireSet(values, keys, why);
  if (clientId === clientSecret) {
    throw invalid('rootClientSecret', `is easy to guess: it is ${variables.rootClientId.name}`);
  }
  return { clientId, clientSecret };
}

/** The provider with everything that it needs, or none. */
function signInOf(values: VariableValues): SignInConfig | undefined {
  const required = ['signInIssuer', 'signInClientId', 'signInRoles'] as const;
  const { signInClientSecret: secret, signInPrivateKeyFile: keyFile, signInScope: scope } = values;
  if (areUnset(values, [...required, 'signInClientSecret', 'signInPrivateKeyFile'])) {
    return undefined;
  }
  const why = 'people sign in at an OpenID provider only if its issuer, client id, credentials and roles are all set';
  const { signInIssuer: issuer, signInClientId: clientId, signInRoles: roles } = requireSet(values, required, why);
  if ((secret === undefined) === (keyFile === undefined)) {
    const names = `${variables.signInClientSecret.name} or ${variables.signInPrivateKeyFile.name}`;
    throw missing('signInClientSecret', `Postern authenticates to the provider by exactly one of ${names}`);
  }
  if (!isConfidential(issuer, values.allowHttp)) {
    throw invalid('signInIssuer', `"${issuer}" must use https, since it is not on this machine`);
  }
  return {
    issuer,
    clientId,
    scope,
    roles,
    credentials: keyFile === undefined ? { secret: secret ?? '' } : { privateKey: readSignInKey(keyFile) },
  };
}

function readSignInKey(file: string): KeyObject {
  const pem = readFileOf('signInPrivateKeyFile', file);
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'rsa' || key.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
      return key;
    }
  } catch {
    // Answered below, with the name of the variable.
  }
  throw invalid(
    'signInPrivateKeyFile',
    `${file} holds no RSA key or EC key on the curve P-256 in PEM without a passphrase`,
  );
}

function accessKeyOf(values: VariableValues): CheckpointBucket['credentials'] {
  const keys = ['checkpointAccessKeyId', 'checkpointSecretAccessKey'] as const;
  if (areUnset(values, keys)) {
    return undefined;
  }
  const set = requireSet(values, keys, 'set both the id and the secret of the access key, or neither');
  return { accessKeyId: set.checkpointAccessKeyId, secretAccessKey: set.checkpointSecretAccessKey };
}

/** Anyone can send a header, so it is trusted from proxies only, and these must be named. */
function requireProxies({ clientCertificateHeader, proxyProtocol, trustedProxies }: Partial<VariableValues>): void {
  if (trustedProxies?.length) {
    return;
  }
  if (clientCertificateHeader !== undefined) {
    throw missing('trustedProxies', `${variables.clientCertificateHeader.name} is trusted from these addresses only`);
  }
  if (proxyProtocol) {
    throw missing('trustedProxies', `${variables.proxyProtocol.name} is about connections from these addresses only`);
  }
}

/** Plain http to another machine is for networks that encrypt, which only their operator knows. */
function requireConfidentialIssuer({ issuer, allowHttp }: VariableValues): void {
  if (!isConfidential(issuer, allowHttp)) {
    throw invalid(
      'issuer',
      `"${issuer}" must use https, since it is not on this machine; if the network encrypts every connection, as a ` +
        `service mesh does, set ${variables.allowHttp.name}=true`,
    );
  }
}

/** Whoever can change a page on its way can read the tokens that it gets. */
function requireConfidentialOrigins({ corsOrigins, allowHttp }: VariableValues): void {
  const open = corsOrigins?.find((origin) => !isConfidential(origin, allowHttp));
  if (open !== undefined) {
    throw invalid('corsOrigins', `"${open}" must use https, since it is not on this machine`);
  }
}

/** The issuer of a server that has TLS: the default becomes https, and one that is set must be. */
function requireHttps(issuer: string, text: string | undefined): string {
  if (text === undefined) {
    return issuer.replace(/^http:/, 'https:');
  }
  if (issuer.startsWith('http:')) {
    throw invalid('issuer', `"${issuer}" must use https, since ${variables.tlsCertFile.name} is set`);
  }
  return issuer;
}

/** Certificate and key are set together; the client CA needs them. */
function tlsFilesOf(values: VariableValues): TlsFileNames | undefined {
  const required = ['tlsCertFile', 'tlsKeyFile'] as const;
  const { tlsClientCaFile: clientCa, tlsClientCrlFile: clientCrl } = values;
  if (areUnset(values, [...required, 'tlsClientCaFile', 'tlsClientCrlFile'])) {
    return undefined;
  }
  const files = requireSet(values, required, 'TLS needs the certificate and the key of the server');
  if (clientCa === undefined && clientCrl !== undefined) {
    throw missing('tlsClientCaFile', 'a revocation list needs the authority that it is of');
  }
  return { cert: files.tlsCertFile, key: files.tlsKeyFile, clientCa, clientCrl };
}

/** Throws `StartError` for files that cannot be read or do not belong together. */
export function readTlsIdentity(files: TlsFileNames): Pick<TlsFiles, 'cert' | 'key' | 'clientCa'> {
  const cert = readFileOf('tlsCertFile', files.cert);
  const key = readFileOf('tlsKeyFile', files.key);
  const certificate = requireCertificates('tlsCertFile', cert);
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(key);
  } catch {
    throw invalid('tlsKeyFile', `${files.key} holds no private key in PEM without a passphrase`);
  }
  if (!certificate.checkPrivateKey(privateKey)) {
    throw invalid('tlsKeyFile', `the key in ${files.key} is not the one of the certificate in ${files.cert}`);
  }
  const clientCa = files.clientCa === undefined ? undefined : readFileOf('tlsClientCaFile', files.clientCa);
  if (clientCa !== undefined) {
    requireCertificates('tlsClientCaFile', clientCa);
  }
  return { cert, key, clientCa };
}

/** Throws `StartError`. */
export function readClientCrl({ clientCrl: file }: TlsFileNames): TlsFiles['clientCrl'] {
  const pem = file === undefined ? undefined : readFileOf('tlsClientCrlFile', file);
  try {
    return pem === undefined ? undefined : { lists: parseRevocationLists(pem) };
  } catch {
    throw invalid('tlsClientCrlFile', 'the file holds no revocation list in PEM, or a damaged one');
  }
}

/** Returns the first certificate in a PEM file, all of which must be readable. */
function requireCertificates(key: VariableKey, pem: string): X509Certificate {
  try {
    const [first] = readCertificates(pem);
    if (first !== undefined) {
      return first;
    }
  } catch {
    // Answered below, with the name of the variable.
  }
  throw invalid(key, 'the file holds no certificate in PEM, or a damaged one');
}

/** When the certificates expire that the configuration names. `tls`: what its files hold now. */
export function findCertificateExpiries(
  ca: string | undefined,
  tls: Pick<TlsFiles, 'cert' | 'clientCa'> | undefined,
): readonly CertificateExpiry[] {
  return findExpiries({
    [variables.tlsCertFile.name]: tls?.cert,
    [variables.tlsClientCaFile.name]: tls?.clientCa,
    [variables.caFile.name]: ca,
  });
}
