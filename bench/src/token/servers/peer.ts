/**
 * The peer: oidc-provider as its manual sets it up for machines, with JWT access tokens by RFC 9068, ES256 and its in-memory
 * adapter, so that it writes nothing down. Its clients stand in the configuration, which it reads faster than a database.
 */
import type { webcrypto } from 'node:crypto';
import { Provider } from 'oidc-provider';

export interface PeerSettings {
  readonly port: number;
  /** As client metadata. RFC 7591 §2. */
  readonly clients: readonly Readonly<Record<string, unknown>>[];
  /** Space-separated. */
  readonly scope: string;
  readonly accessTokenTtlSeconds: number;
  /** Tokens for it are opaque: the peer introspects no JWTs. */
  readonly opaqueResource: string;
  readonly privateJwk: webcrypto.JsonWebKey;
}

const settings: PeerSettings = JSON.parse(process.argv[2] ?? '');
const { port, clients, scope, accessTokenTtlSeconds, opaqueResource, privateJwk } = settings;
const issuer = `http://localhost:${port}`;
const provider = new Provider(issuer, {
  clients: clients.map((client) => ({
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    ...client,
  })),
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  scopes: scope.split(' '),
  jwks: { keys: [{ ...privateJwk, alg: 'ES256', use: 'sig' }] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => issuer,
      getResourceServerInfo: (_context: unknown, resource: string) => ({
        scope,
        audience: resource,
        accessTokenTTL: accessTokenTtlSeconds,
        accessTokenFormat: resource === opaqueResource ? 'opaque' : 'jwt',
        ...(resource !== opaqueResource && { jwt: { sign: { alg: 'ES256' } } }),
      }),
    },
  },
});
provider.listen(port, '127.0.0.1');
