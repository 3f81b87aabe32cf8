/** The variables of the environment, as help and manual list them. `config.ts` reads them. */

export interface ConfigVariable {
  readonly name: string;
  readonly default: string;
  readonly meaning: string;
}

/** Every variable that `postern serve` reads, in the order of its help. */
export const configVariables: readonly ConfigVariable[] = [
  { name: 'HOST', default: '127.0.0.1', meaning: 'address to listen on' },
  { name: 'PORT', default: '8080', meaning: 'port to listen on' },
  {
    name: 'POSTERN_ISSUER',
    default: 'http://localhost:$PORT',
    meaning:
      'issuer identifier in tokens and metadata; https, or http on a loopback host; https://localhost:$PORT with TLS',
  },
  {
    name: 'POSTERN_DATA_DIR',
    default: './data',
    meaning: 'directory for the embedded database and the generated root credentials and master key',
  },
  {
    name: 'DATABASE_URL',
    default: 'sqlite:$POSTERN_DATA_DIR/postern.db',
    meaning:
      'the database: sqlite: and the path of its file, or postgres://user:password@host/name for many nodes, with ' +
      '?sslmode=verify-full for TLS; DATABASE_URL_FILE names a file that holds it instead',
  },
  {
    name: 'POSTERN_DATABASE_POOL_SIZE',
    default: '10',
    meaning: 'connections to PostgreSQL that a process opens at the most, besides one that listens',
  },
  {
    name: 'POSTERN_DATABASE_TIMEOUT_MS',
    default: '3000',
    meaning: 'milliseconds that the database may take for a connection, for a statement, or to give a lock',
  },
  {
    name: 'POSTERN_MAX_STALENESS_SECONDS',
    default: '60',
    meaning:
      'seconds for which a node that cannot reach the database issues and accepts tokens by what it knows; after ' +
      'that it refuses with 503 until it has caught up',
  },
  {
    name: 'POSTERN_CACHED_CLIENTS',
    default: '10000',
    meaning:
      'clients that a process keeps in memory, the latest used ones, of up to 10 kB each with what goes with them',
  },
  {
    name: 'POSTERN_OVERLOAD_MS',
    default: '500',
    meaning: 'milliseconds that a process may fall behind before it answers new requests with 503; 0: however far',
  },
  {
    name: 'POSTERN_WORKERS',
    default: '1',
    meaning: 'processes that serve on the port, one for each core at the best',
  },
  {
    name: 'OAUTH_ROOT_CLIENT_ID',
    default: 'generated',
    meaning: 'id of the root client; generated at first start into root.env of the data directory',
  },
  {
    name: 'OAUTH_ROOT_CLIENT_SECRET',
    default: 'generated',
    meaning: 'secret of the root client; OAUTH_ROOT_CLIENT_SECRET_FILE names a file that holds it instead',
  },
  {
    name: 'OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES',
    default: '11520',
    meaning: 'lifetime of access tokens in minutes (11520 is 8 days)',
  },
  {
    name: 'POSTERN_SIGNING_ALGORITHM',
    default: 'ES256',
    meaning: 'signs access tokens: ES256, EdDSA, RS256 or PS256; a change is a key rotation',
  },
  {
    name: 'POSTERN_KEY_ROTATION_DAYS',
    default: '90',
    meaning: 'days until a signing key is rotated; 0 leaves it to POST /api/v1/oauth/key/rotate',
  },
  {
    name: 'POSTERN_MASTER_KEY',
    default: 'generated',
    meaning:
      '32 bytes in base64 that encrypt signing keys at rest; generated into master.key of the data directory; ' +
      'POSTERN_MASTER_KEY_FILE names a file that holds it instead',
  },
  {
    name: 'POSTERN_TRUSTED_PROXIES',
    default: 'none',
    meaning: 'addresses or CIDRs, separated by commas, whose X-Forwarded headers are believed',
  },
  {
    name: 'POSTERN_FETCH_ALLOWED_NETWORKS',
    default: 'none',
    meaning:
      'addresses or CIDRs, separated by commas, from which keys of clients and issuers may be fetched though they ' +
      'are not public',
  },
  {
    name: 'POSTERN_DELEGATION',
    default: 'registry',
    meaning:
      'scopes that a client with client:create and no grantable_scopes may assign: registry (all that do not ' +
      'administer Postern) or held (of these, the ones that its token holds)',
  },
  {
    name: 'POSTERN_REGISTRATION',
    default: 'off',
    meaning: 'initial_access_token: whoever holds an initial access token of an administrator may register clients',
  },
  {
    name: 'POSTERN_DPOP_NONCES',
    default: 'off',
    meaning: 'required: DPoP proofs must carry a nonce that the server gave out a few minutes ago at the most',
  },
  {
    name: 'POSTERN_TLS_CERT_FILE',
    default: 'none',
    meaning: 'PEM file with the certificate of the server and those above it; with it, Postern speaks https itself',
  },
  { name: 'POSTERN_TLS_KEY_FILE', default: 'none', meaning: 'PEM file with the private key of that certificate' },
  {
    name: 'POSTERN_TLS_CLIENT_CA_FILE',
    default: 'none',
    meaning: 'PEM file with the roots that client certificates of tls_client_auth must lead to',
  },
  {
    name: 'POSTERN_CLIENT_CERTIFICATE_HEADER',
    default: 'none',
    meaning:
      'header in which a proxy passes on the client certificate that it verified, such as Client-Cert; believed from ' +
      'POSTERN_TRUSTED_PROXIES only',
  },
  {
    name: 'POSTERN_METRICS_PORT',
    default: '$PORT',
    meaning: 'port to serve /metrics on, as plain HTTP, instead of beside everything else; off: nowhere',
  },
  {
    name: 'POSTERN_METRICS_HOST',
    default: '$HOST',
    meaning: 'address to serve /metrics on, with a POSTERN_METRICS_PORT of its own',
  },
  {
    name: 'POSTERN_OTLP_ENDPOINT',
    default: 'none',
    meaning: 'base URL of an OpenTelemetry collector, to send a trace of each request to by OTLP over HTTP',
  },
  { name: 'POSTERN_LOG_LEVEL', default: 'info', meaning: 'trace, debug, info, warn, error or silent' },
];
