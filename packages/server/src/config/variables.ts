/**
 * Every variable that configures the server, once: its name, default, unit, meaning and parser, in the order of the
 * help. `postern serve --help`, docs/configuration.md and the reader in `config.ts` are made from this table.
 */
import { signingAlgorithms } from '@postern/guard';
import { invalidVariable } from '../start-error.ts';
import {
  matching,
  oneOf,
  parseBaseUrl,
  parseDatabaseUrl,
  parseFlag,
  parseHeaderName,
  parseHost,
  parseHostPatterns,
  parseIssuer,
  parseMasterKey,
  parseNetworks,
  parseOrigins,
  parsePath,
  parseRoleRules,
  secretMatching,
  type VariableParser,
  wholeNumber,
} from './variable-parsers.ts';

/** What help and manual show of a variable. */
export interface ConfigVariable {
  readonly name: string;
  /** The value of a variable that is not set; `$NAME` stands for the value of another one. `none` and `generated`: no value. */
  readonly default: string;
  readonly unit?: string;
  readonly meaning: string;
}

export interface Variable extends ConfigVariable {
  /** A right value, for errors, unless the default is one. */
  readonly example?: string;
  /** Whether `<name>_FILE` may name a file that holds the value, as a secret should be passed. */
  readonly orFile?: boolean;
  readonly parse: VariableParser<unknown>;
}

/** The characters that mean the same in a form, in Basic with and without percent-encoding, and unquoted in a shell. */
const unreserved = 'letters, digits or . _ ~ -';

/** As most programs read it, without a scheme too. The URL may hold a password. */
const proxyPattern = /^(?:https?:\/\/)?[^\s/]+\/?$/;

/** By the name that the value has in `ServerConfig`, or in the parts that `config.ts` makes of several. */
export const variables = {
  host: {
    name: 'HOST',
    default: '127.0.0.1',
    meaning: 'address to listen on',
    example: '0.0.0.0',
    parse: parseHost,
  },
  port: { name: 'PORT', default: '8080', meaning: 'port to listen on', parse: wholeNumber(1, 65_535) },
  issuer: {
    name: 'POSTERN_ISSUER',
    default: 'http://localhost:$PORT',
    meaning:
      'issuer identifier in tokens and metadata, and the address of everything: an https URL, or an http URL on a ' +
      'loopback host; with TLS the default is https://localhost:$PORT',
    example: 'https://auth.example.com',
    parse: parseIssuer,
  },
  allowHttp: {
    name: 'POSTERN_ALLOW_HTTP',
    default: 'false',
    meaning:
      'true allows an http issuer on another host, for networks that encrypt every connection themselves, such as a ' +
      'service mesh; anywhere else it exposes secrets and tokens. The postern command reads it too',
    parse: parseFlag,
  },
  dataDir: {
    name: 'POSTERN_DATA_DIR',
    default: './data',
    meaning: 'directory of the SQLite database and of the generated root credentials and master key',
    example: '/var/lib/postern',
    parse: parsePath,
  },
  databaseUrl: {
    name: 'DATABASE_URL',
    default: 'sqlite:$POSTERN_DATA_DIR/postern.db',
    meaning:
      'the database: sqlite: and the path of its file, or postgres://user:password@host/name for several nodes, as ' +
      'libpq reads it, with ?sslmode=verify-full for verified TLS',
    example: 'sqlite:/var/lib/postern.db',
    orFile: true,
    parse: parseDatabaseUrl,
  },
  databasePoolSize: {
    name: 'POSTERN_DATABASE_POOL_SIZE',
    default: '10',
    meaning: 'largest number of connections to PostgreSQL per process, not counting the one that listens for changes',
    parse: wholeNumber(1, 1_000),
  },
  databaseTimeoutMs: {
    name: 'POSTERN_DATABASE_TIMEOUT_MS',
    default: '3000',
    unit: 'milliseconds',
    meaning: 'longest time to wait for a connection to the database, for a statement, or for a lock',
    parse: wholeNumber(100, 60_000),
  },
  maxStalenessSeconds: {
    name: 'POSTERN_MAX_STALENESS_SECONDS',
    default: '60',
    unit: 'seconds',
    meaning:
      'how long a node that cannot reach the database continues to issue and accept tokens by what it last read; ' +
      'after that it answers 503 until it has caught up',
    parse: wholeNumber(1, 31_536_000),
  },
  cachedClients: {
    name: 'POSTERN_CACHED_CLIENTS',
    default: '10000',
    meaning:
      'largest number of clients that a process keeps in memory, the most recently used ones; each takes up to 10 kB',
    parse: wholeNumber(1, 10_000_000),
  },
  overloadMs: {
    name: 'POSTERN_OVERLOAD_MS',
    default: '500',
    unit: 'milliseconds',
    meaning: 'how far a process may fall behind before it answers new requests with 503; 0 turns this off',
    parse: wholeNumber(0, 60_000),
  },
  workers: {
    name: 'POSTERN_WORKERS',
    default: '1',
    meaning: 'number of processes that serve on the port; at most one per core is useful',
    parse: wholeNumber(1, 256),
  },
  rootClientId: {
    name: 'OAUTH_ROOT_CLIENT_ID',
    default: 'generated',
    meaning: 'id of the root client; without it, the first start generates one into root.env of the data directory',
    example: 'root',
    parse: matching(/^[A-Za-z0-9._~-]{1,128}$/, `must be 1 to 128 ${unreserved}`),
  },
  rootClientSecret: {
    name: 'OAUTH_ROOT_CLIENT_SECRET',
    default: 'generated',
    meaning: 'secret of the root client: random, at least 22 characters',
    example: '$(openssl rand -hex 32)',
    orFile: true,
    parse: secretMatching(/^[A-Za-z0-9._~-]{1,256}$/, `must be at most 256 ${unreserved}`),
  },
  rootDisabled: {
    name: 'OAUTH_ROOT_DISABLED',
    default: 'false',
    meaning:
      'true switches the root client off: its credentials and its tokens are refused; first create a client that ' +
      'administers Postern in its place',
    parse: parseFlag,
  },
  accessTokenTtlMinutes: {
    name: 'OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES',
    default: '11520',
    unit: 'minutes',
    meaning: 'lifetime of access tokens; 11520 minutes are 8 days',
    parse: wholeNumber(1, 525_600),
  },
  checkpointFile: {
    name: 'POSTERN_CHECKPOINT_FILE',
    default: 'none',
    meaning: 'file to which each signed checkpoint of the audit trail is appended; keep it away from the database',
    example: '/mnt/audit/checkpoints.jsonl',
    parse: parsePath,
  },
  checkpointUrl: {
    name: 'POSTERN_CHECKPOINT_URL',
    default: 'none',
    meaning: 'URL of a bucket of an S3-like store, and a prefix, in which each checkpoint becomes an object (by PUT)',
    example: 'https://audit.s3.eu-central-1.amazonaws.com/postern',
    parse: parseBaseUrl,
  },
  checkpointAccessKeyId: {
    name: 'POSTERN_CHECKPOINT_ACCESS_KEY_ID',
    default: 'none',
    meaning: 'access key of that store, for AWS Signature Version 4; without it, requests are not signed',
    example: 'AKIAIOSFODNN7EXAMPLE',
    parse: matching(/^[\x21-\x7e]{1,256}$/, 'must be 1 to 256 printable ASCII characters without spaces'),
  },
  checkpointSecretAccessKey: {
    name: 'POSTERN_CHECKPOINT_SECRET_ACCESS_KEY',
    default: 'none',
    meaning: 'secret of that access key',
    example: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    orFile: true,
    parse: matching(/^[\x21-\x7e]{1,256}$/, 'must be 1 to 256 printable ASCII characters without spaces'),
  },
  checkpointMinutes: {
    name: 'POSTERN_CHECKPOINT_MINUTES',
    default: '1440',
    unit: 'minutes',
    meaning: 'time between two checkpoints of the audit trail, each of which verifies all of it first',
    parse: wholeNumber(1, 44_640),
  },
  signingAlgorithm: {
    name: 'POSTERN_SIGNING_ALGORITHM',
    default: 'ES256',
    meaning: 'signs access tokens: ES256, EdDSA, RS256 or PS256; a change rotates the key',
    parse: oneOf(...signingAlgorithms),
  },
  keyRotationDays: {
    name: 'POSTERN_KEY_ROTATION_DAYS',
    default: '90',
    unit: 'days',
    meaning: 'how long a signing key is used before it is rotated; 0 leaves that to POST /api/v1/oauth/key/rotate',
    parse: wholeNumber(0, 3_650),
  },
  keyLeadMinutes: {
    name: 'POSTERN_KEY_LEAD_MINUTES',
    default: '60',
    unit: 'minutes',
    meaning:
      'how long a new signing key is published before it signs; longer than any API keeps its copy of the JWKS, some of ' +
      'which fetch it on a schedule alone',
    parse: wholeNumber(1, 10_080),
  },
  masterKey: {
    name: 'POSTERN_MASTER_KEY',
    default: 'generated',
    meaning:
      '32 random bytes in base64 that encrypt signing keys at rest; without it, the first start generates them into ' +
      'master.key of the data directory',
    example: '$(openssl rand -base64 32)',
    orFile: true,
    parse: parseMasterKey,
  },
  trustedProxies: {
    name: 'POSTERN_TRUSTED_PROXIES',
    default: 'none',
    meaning: 'addresses or CIDRs, separated by commas, whose X-Forwarded headers are trusted',
    example: '10.0.0.0/8',
    parse: parseNetworks,
  },
  proxyProtocol: {
    name: 'POSTERN_PROXY_PROTOCOL',
    default: 'false',
    meaning:
      'true expects a header of the PROXY protocol, version 1 or 2, on every connection to PORT from ' +
      'POSTERN_TRUSTED_PROXIES, as balancers of TCP send it: it names the address of the caller',
    parse: parseFlag,
  },
  corsOrigins: {
    name: 'POSTERN_CORS_ORIGINS',
    default: 'none',
    meaning:
      'origins, separated by commas, whose web pages may get tokens (CORS); metadata and keys are readable by every page ' +
      'without it',
    example: 'https://app.example.com',
    parse: parseOrigins,
  },
  fetchAllowedNetworks: {
    name: 'POSTERN_FETCH_ALLOWED_NETWORKS',
    default: 'none',
    meaning:
      'addresses or CIDRs, separated by commas, from which the keys of clients and issuers may be fetched although ' +
      'they are not public',
    example: '10.0.0.0/8',
    parse: parseNetworks,
  },
  outboundHosts: {
    name: 'POSTERN_OUTBOUND_HOSTS',
    default: 'none',
    meaning:
      'host names, separated by commas, from which alone the keys of clients and issuers may be fetched; *.example.com ' +
      'stands for all names below example.com; without it, they may be fetched from any public host',
    example: 'login.example.com,*.partners.example',
    parse: parseHostPatterns,
  },
  clientMetadataHosts: {
    name: 'POSTERN_CLIENT_METADATA_HOSTS',
    default: 'none',
    meaning:
      'host names, separated by commas, at which clients may publish their client ID metadata documents; *.example.com stands ' +
      'for all names below example.com; without it, no document is read',
    example: 'partner.example,*.agents.example',
    parse: parseHostPatterns,
  },
  caFile: {
    name: 'POSTERN_CA_FILE',
    default: 'none',
    meaning:
      'PEM file with certificate authorities that outgoing connections trust in addition to those of Node, such as that ' +
      'of a proxy that inspects TLS; the postern command reads it too',
    example: '/etc/ssl/corporate-ca.pem',
    parse: parsePath,
  },
  httpsProxy: {
    name: 'HTTPS_PROXY',
    default: 'none',
    meaning: 'URL of the proxy through which https requests leave; the postern command reads it too, as the next two',
    example: 'http://proxy.example.com:3128',
    parse: matching(proxyPattern, 'is not the http or https URL of a proxy'),
  },
  httpProxy: {
    name: 'HTTP_PROXY',
    default: 'none',
    meaning: 'the same for http requests, such as those to a collector of traces',
    example: 'http://proxy.example.com:3128',
    parse: matching(proxyPattern, 'is not the http or https URL of a proxy'),
  },
  noProxy: {
    name: 'NO_PROXY',
    default: 'none',
    meaning:
      'hosts that are reached without a proxy, separated by commas; .example.com stands for all names below it. This ' +
      'machine always is',
    example: '.internal.example.com,10.0.0.5',
    parse: matching(/^[\x20-\x7e]{1,4096}$/, 'must be host names separated by commas'),
  },
  delegation: {
    name: 'POSTERN_DELEGATION',
    default: 'registry',
    meaning:
      'what a client with client:create and without limits of its own may give to other clients: registry (all that ' +
      'does not administer Postern) or held (of this, what it has)',
    parse: oneOf('registry', 'held'),
  },
  registration: {
    name: 'POSTERN_REGISTRATION',
    default: 'off',
    meaning:
      'who may register clients (RFC 7591): off (nobody) or initial_access_token (whoever holds an initial access ' +
      'token that an administrator created)',
    parse: oneOf('off', 'initial_access_token'),
  },
  dpopNonces: {
    name: 'POSTERN_DPOP_NONCES',
    default: 'off',
    meaning: 'whether DPoP proofs must carry a recent nonce of the server (RFC 9449): off or required',
    parse: oneOf('off', 'required'),
  },
  tlsCertFile: {
    name: 'POSTERN_TLS_CERT_FILE',
    default: 'none',
    meaning:
      'PEM file with the certificate of the server and the intermediate ones; with it, Postern serves https itself. The ' +
      'files of TLS are read again every minute',
    example: '/etc/postern/tls.crt',
    parse: parsePath,
  },
  tlsKeyFile: {
    name: 'POSTERN_TLS_KEY_FILE',
    default: 'none',
    meaning: 'PEM file with the private key of that certificate',
    example: '/etc/postern/tls.key',
    parse: parsePath,
  },
  tlsClientCaFile: {
    name: 'POSTERN_TLS_CLIENT_CA_FILE',
    default: 'none',
    meaning: 'PEM file with the roots to which the certificates of tls_client_auth clients must lead',
    example: '/etc/postern/client-ca.crt',
    parse: parsePath,
  },
  tlsClientCrlFile: {
    name: 'POSTERN_TLS_CLIENT_CRL_FILE',
    default: 'none',
    meaning:
      'PEM file with the current revocation list (CRL) of each of these authorities, read again every minute; while ' +
      'a list has expired, certificates of its authority are answered with 503',
    example: '/etc/postern/client-ca.crl',
    parse: parsePath,
  },
  clientCertificateHeader: {
    name: 'POSTERN_CLIENT_CERTIFICATE_HEADER',
    default: 'none',
    meaning:
      'header in which a proxy passes on the client certificate that it verified, such as Client-Cert; trusted from ' +
      'POSTERN_TRUSTED_PROXIES only',
    example: 'Client-Cert',
    parse: parseHeaderName,
  },
  metricsPort: {
    name: 'POSTERN_METRICS_PORT',
    default: 'off',
    meaning:
      'port that serves /metrics: one of its own serves nothing else, over plain HTTP; PORT serves them to all callers; ' +
      'off serves no metrics',
    example: '9090',
    parse: (text, invalid) => (text === 'off' ? text : wholeNumber(1, 65_535)(text, invalid)),
  },
  metricsHost: {
    name: 'POSTERN_METRICS_HOST',
    default: '127.0.0.1',
    meaning: 'address that serves /metrics if POSTERN_METRICS_PORT is a port of its own',
    parse: parseHost,
  },
  otlpEndpoint: {
    name: 'POSTERN_OTLP_ENDPOINT',
    default: 'none',
    meaning: 'base URL of an OpenTelemetry collector that receives a trace of each request, by OTLP over HTTP',
    example: 'http://localhost:4318',
    parse: parseBaseUrl,
  },
  signInIssuer: {
    name: 'POSTERN_SIGN_IN_ISSUER',
    default: 'none',
    meaning:
      'issuer of the OpenID provider at which people sign in to the console and the command; register there the redirect URI ' +
      '$POSTERN_ISSUER/api/v1/sign-in/callback',
    example: 'https://login.example.com',
    parse: parseBaseUrl,
  },
  signInClientId: {
    name: 'POSTERN_SIGN_IN_CLIENT_ID',
    default: 'none',
    meaning: 'id that the OpenID provider has given to Postern',
    example: 'postern',
    parse: matching(/^[\x20-\x7e]{1,500}$/, 'must be 1 to 500 printable ASCII characters'),
  },
  signInClientSecret: {
    name: 'POSTERN_SIGN_IN_CLIENT_SECRET',
    default: 'none',
    meaning: 'secret that the OpenID provider has given to Postern',
    example: 'the secret that the provider shows',
    orFile: true,
    parse: matching(/^[\x20-\x7e]{1,1000}$/, 'must be 1 to 1000 printable ASCII characters'),
  },
  signInPrivateKeyFile: {
    name: 'POSTERN_SIGN_IN_PRIVATE_KEY_FILE',
    default: 'none',
    meaning:
      'file with a private key in PEM, RSA or EC on the curve P-256, by which Postern authenticates to the OpenID provider instead ' +
      'of a secret (private_key_jwt)',
    example: '/run/secrets/sign-in.pem',
    parse: parsePath,
  },
  signInScope: {
    name: 'POSTERN_SIGN_IN_SCOPE',
    default: 'openid profile email',
    meaning: 'scopes that Postern asks the OpenID provider for; some send groups only if asked for groups too',
    example: 'openid profile email groups',
    parse: matching(
      /^openid( [\x21\x23-\x5b\x5d-\x7e]+)*$/,
      'must be openid, and other scopes with a space before each',
    ),
  },
  signInRoles: {
    name: 'POSTERN_SIGN_IN_ROLES',
    default: 'none',
    meaning:
      'who gets which role, as a JSON array: the first rule whose claims all match decides, and whoever matches none is refused',
    example: '[{"claims":{"groups":"postern-admins"},"role":"administrator"}]',
    orFile: true,
    parse: parseRoleRules,
  },
  logLevel: {
    name: 'POSTERN_LOG_LEVEL',
    default: 'info',
    meaning: 'least severe level that is logged: trace, debug, info, warn, error or silent',
    parse: oneOf('info', 'trace', 'debug', 'warn', 'error', 'silent'),
  },
} as const satisfies Record<string, Variable>;

export type VariableKey = keyof typeof variables;

/** What the parsers make of the variables. */
export type VariableValues = {
  readonly [Key in VariableKey]:
    | Parsed<Key>
    | ((typeof variables)[Key]['default'] extends 'none' | 'generated' ? undefined : never);
};

type Parsed<Key extends VariableKey> = ReturnType<(typeof variables)[Key]['parse']>;

/** As help and manual list them. */
export const configVariables: readonly ConfigVariable[] = Object.values<Variable>(variables).map(
  ({ name, default: fallback, unit, meaning, orFile }) => ({
    name,
    default: fallback,
    ...(unit !== undefined && { unit }),
    meaning: orFile ? `${meaning}; ${name}_FILE names a file that holds it instead` : meaning,
  }),
);

/** Parses the text of a variable, wherever it comes from. Throws `StartError`. */
export function parseVariable<Key extends VariableKey>(key: Key, text: string): Parsed<Key> {
  const { name, parse, default: fallback, example = fallback }: Variable = variables[key];
  return parse(text, (fault, other = example) => invalidVariable(name, fault, other)) as Parsed<Key>;
}
