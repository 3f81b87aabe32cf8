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

type PartsOfSettings =
  | `database${string}`
  | `rootClient${string}`
  | `tls${string}`
  | `metrics${string}`
  | `checkpoint${string}`
  | `signIn${string}`
  // Those of the whole process, which the command applies before anything else.
  | 'caFile'
  | 'httpsProxy'
  | 'httpProxy'
  | 'noProxy'
  | 'accessTokenTtlMinutes';

/** The variables under the names that the table gives them, except those that are part of a setting below. */
export interface ServerConfig extends Omit<VariableValues, PartsOfSettings & VariableKey> {
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
  const {
    databaseUrl,
    databasePoolSize,
    databaseTimeoutMs,
    rootClientId,
    rootClientSecret,
    tlsCertFile,
    tlsKeyFile,
    tlsClientCaFile,
    tlsClientCrlFile,
    metricsPort,
    metricsHost,
    checkpointFile,
    checkpointUrl,
    checkpointAccessKeyId,
    checkpointSecretAccessKey,
    checkpointMinutes,
    signInIssuer,
    signInClientId,
    signInClientSecret,
    signInPrivateKeyFile,
    signInScope,
    signInRoles,
    accessTokenTtlMinutes,
    caFile,
    httpsProxy: _httpsProxy,
    httpProxy: _httpProxy,
    noProxy: _noProxy,
    ...values
  } = readValues(env);
  const root = pairRoot(rootClientId, rootClientSecret);
  if (databaseUrl.kind === 'postgres') {
    requireOnEveryNode('rootClientId', root);
    requireOnEveryNode('masterKey', values.masterKey);
  }
  const tlsFiles = pairTlsFiles(tlsCertFile, tlsKeyFile, tlsClientCaFile, tlsClientCrlFile);
  const tls = tlsFiles && { ...readTlsIdentity(tlsFiles), clientCrl: readClientCrl(tlsFiles) };
  requireProxies(values);
  const ca = caFile === undefined ? undefined : readTextFile(variables.caFile.name, caFile, variables.caFile.example);
  requireConfidentialIssuer(values);
  requireConfidentialOrigins(values);
  return {
    ...values,
    issuer: tls === undefined ? values.issuer : requireHttps(values.issuer, readText(env, variables.issuer)),
    accessTokenTtlSeconds: 60 * accessTokenTtlMinutes,
    trustedProxies: values.trustedProxies ?? [],
    fetchAllowedNetworks: values.fetchAllowedNetworks ?? [],
    database: databaseOf(env, { databaseUrl, databasePoolSize, databaseTimeoutMs }),
    root,
    tls,
    tlsFiles,
    ca,
    signIn: signInOf(values, {
      signInIssuer,
      signInClientId,
      signInClientSecret,
      signInPrivateKeyFile,
      signInScope,
      signInRoles,
    }),
    checkpoints: {
      file: checkpointFile,
      bucket:
        checkpointUrl === undefined
          ? undefined
          : { url: checkpointUrl, credentials: pairAccessKey(checkpointAccessKeyId, checkpointSecretAccessKey) },
      intervalMs: 60_000 * checkpointMinutes,
    },
    metrics:
      metricsPort === 'off' ? 'off' : metricsPort === values.port ? 'beside' : { host: metricsHost, port: metricsPort },
  };
}

function databaseOf(
  env: Environment,
  {
    databaseUrl,
    databasePoolSize: poolSize,
    databaseTimeoutMs: timeoutMs,
  }: Pick<VariableValues, 'databaseUrl' | 'databasePoolSize' | 'databaseTimeoutMs'>,
): DatabaseConfig {
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
  const { dataDir, masterKey, rootClientId, rootClientSecret, rootDisabled } = values;
  return {
    dataDir,
    database: databaseOf(env, values),
    masterKey,
    masterKeyFile: readNonEmpty(env, `${variables.masterKey.name}_FILE`),
    root: pairRoot(rootClientId, rootClientSecret),
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

function missing(key: VariableKey, why: string): StartError {
  const { name, default: fallback, example = fallback }: Variable = variables[key];
  return missingVariable(name, why, example);
}

function pairRoot(clientId: string | undefined, clientSecret: string | undefined): RootCredentials | undefined {
  if (clientId === undefined && clientSecret === undefined) {
    return undefined;
  }
  const why = 'set both the id and the secret of the root client, or neither';
  if (clientId === undefined) {
    throw missing('rootClientId', why);
  }
  if (clientSecret === undefined) {
    throw missing('rootClientSecret', why);
  }
  if (clientId === clientSecret) {
    const { name, example } = variables.rootClientSecret;
    throw invalidVariable(name, `is easy to guess: it is ${variables.rootClientId.name}`, example);
  }
  return { clientId, clientSecret };
}

/** The provider with everything that it needs, or none. */
function signInOf(
  { allowHttp }: Pick<VariableValues, 'allowHttp'>,
  values: Pick<VariableValues, Extract<VariableKey, `signIn${string}`>>,
): SignInConfig | undefined {
  const { signInIssuer: issuer, signInClientId: clientId, signInRoles: roles, signInScope: scope } = values;
  const { signInClientSecret: secret, signInPrivateKeyFile: keyFile } = values;
  if ([issuer, clientId, secret, keyFile, roles].every((value) => value === undefined)) {
    return undefined;
  }
  const why = 'people sign in at an OpenID provider only if its issuer, client id, credentials and roles are all set';
  if (issuer === undefined) {
    throw missing('signInIssuer', why);
  }
  if (clientId === undefined) {
    throw missing('signInClientId', why);
  }
  if (roles === undefined) {
    throw missing('signInRoles', why);
  }
  if ((secret === undefined) === (keyFile === undefined)) {
    const names = `${variables.signInClientSecret.name} or ${variables.signInPrivateKeyFile.name}`;
    throw missing('signInClientSecret', `Postern authenticates to the provider by exactly one of ${names}`);
  }
  if (!isConfidential(issuer, allowHttp)) {
    const { name, example } = variables.signInIssuer;
    throw invalidVariable(name, `"${issuer}" must use https, since it is not on this machine`, example);
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
  const { name, example } = variables.signInPrivateKeyFile;
  const pem = readTextFile(name, file, example);
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'rsa' || key.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
      return key;
    }
  } catch {
    // Answered below, with the name of the variable.
  }
  throw invalidVariable(
    name,
    `${file} holds no RSA key or EC key on the curve P-256 in PEM without a passphrase`,
    example,
  );
}

function pairAccessKey(accessKeyId: string | undefined, secretAccessKey: string | undefined) {
  if (accessKeyId === undefined && secretAccessKey === undefined) {
    return undefined;
  }
  const why = 'set both the id and the secret of the access key, or neither';
  if (accessKeyId === undefined) {
    throw missing('checkpointAccessKeyId', why);
  }
  if (secretAccessKey === undefined) {
    throw missing('checkpointSecretAccessKey', why);
  }
  return { accessKeyId, secretAccessKey };
}

/** With SQLite, processes share a data directory; with PostgreSQL, nodes share nothing but the database. */
function requireOnEveryNode(key: VariableKey, value: unknown): void {
  if (value === undefined) {
    throw missing(key, 'with PostgreSQL it must be set, and be the same on every node');
  }
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
function requireConfidentialIssuer({ issuer, allowHttp }: Pick<VariableValues, 'issuer' | 'allowHttp'>): void {
  if (!isConfidential(issuer, allowHttp)) {
    const { name, example } = variables.issuer;
    throw invalidVariable(
      name,
      `"${issuer}" must use https, since it is not on this machine; if the network encrypts every connection, as a ` +
        `service mesh does, set ${variables.allowHttp.name}=true`,
      example,
    );
  }
}

/** Whoever can change a page on its way can read the tokens that it gets. */
function requireConfidentialOrigins({
  corsOrigins,
  allowHttp,
}: Pick<VariableValues, 'corsOrigins' | 'allowHttp'>): void {
  const open = corsOrigins?.find((origin) => !isConfidential(origin, allowHttp));
  if (open !== undefined) {
    const { name, example } = variables.corsOrigins;
    throw invalidVariable(name, `"${open}" must use https, since it is not on this machine`, example);
  }
}

/** The issuer of a server that has TLS: the default becomes https, and one that is set must be. */
function requireHttps(issuer: string, text: string | undefined): string {
  if (text === undefined) {
    return issuer.replace(/^http:/, 'https:');
  }
  if (issuer.startsWith('http:')) {
    const { name, example } = variables.issuer;
    throw invalidVariable(name, `"${issuer}" must use https, since ${variables.tlsCertFile.name} is set`, example);
  }
  return issuer;
}

/** Certificate and key are set together; the client CA needs them. */
function pairTlsFiles(
  certFile?: string,
  keyFile?: string,
  clientCaFile?: string,
  crlFile?: string,
): TlsFileNames | undefined {
  if ([certFile, keyFile, clientCaFile, crlFile].every((file) => file === undefined)) {
    return undefined;
  }
  const why = 'TLS needs the certificate and the key of the server';
  if (certFile === undefined) {
    throw missing('tlsCertFile', why);
  }
  if (keyFile === undefined) {
    throw missing('tlsKeyFile', why);
  }
  if (clientCaFile === undefined && crlFile !== undefined) {
    throw missing('tlsClientCaFile', 'a revocation list needs the authority that it is of');
  }
  return { cert: certFile, key: keyFile, clientCa: clientCaFile, clientCrl: crlFile };
}

/** Throws `StartError` for files that cannot be read or do not belong together. */
export function readTlsIdentity({
  cert: certFile,
  key: keyFile,
  clientCa: clientCaFile,
}: TlsFileNames): Pick<TlsFiles, 'cert' | 'key' | 'clientCa'> {
  const { name, example } = variables.tlsKeyFile;
  const cert = readTextFile(variables.tlsCertFile.name, certFile, variables.tlsCertFile.example);
  const key = readTextFile(name, keyFile, example);
  const certificate = requireCertificates(variables.tlsCertFile, cert);
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(key);
  } catch {
    throw invalidVariable(name, `${keyFile} holds no private key in PEM without a passphrase`, example);
  }
  if (!certificate.checkPrivateKey(privateKey)) {
    throw invalidVariable(name, `the key in ${keyFile} is not the one of the certificate in ${certFile}`, example);
  }
  if (clientCaFile === undefined) {
    return { cert, key, clientCa: undefined };
  }
  const clientCa = readTextFile(variables.tlsClientCaFile.name, clientCaFile, variables.tlsClientCaFile.example);
  requireCertificates(variables.tlsClientCaFile, clientCa);
  return { cert, key, clientCa };
}

/** Throws `StartError`. */
export function readClientCrl({ clientCrl: file }: TlsFileNames): TlsFiles['clientCrl'] {
  if (file === undefined) {
    return undefined;
  }
  const { name, example } = variables.tlsClientCrlFile;
  const pem = readTextFile(name, file, example);
  try {
    return { lists: parseRevocationLists(pem) };
  } catch {
    throw invalidVariable(name, 'the file holds no revocation list in PEM, or a damaged one', example);
  }
}

/** Returns the first certificate in a PEM file, all of which must be readable. */
function requireCertificates({ name, example }: { name: string; example: string }, pem: string): X509Certificate {
  try {
    const [first] = readCertificates(pem);
    if (first !== undefined) {
      return first;
    }
  } catch {
    // Answered below, with the name of the variable.
  }
  throw invalidVariable(name, 'the file holds no certificate in PEM, or a damaged one', example);
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
