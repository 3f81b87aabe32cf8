/**
 * Server (d), the peer: oidc-provider as its manual sets it up for machines, with JWT access tokens by RFC 9068, ES256
 * and its in-memory adapter. Its client stands in the configuration, which it reads faster than a database.
 */
import type { webcrypto } from 'node:crypto';
import { Provider } from 'oidc-provider';

export interface PeerSettings {
  readonly port: number;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Space-separated. */
  readonly scope: string;
  readonly accessTokenTtlSeconds: number;
  readonly privateJwk: webcrypto.JsonWebKey;
}

const settings: PeerSettings = JSON.parse(process.argv[2] ?? '');
const issuer = `http://localhost:${settings.port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: settings.clientId,
      client_secret: settings.clientSecret,
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
  ],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  scopes: settings.scope.split(' '),
  jwks: { keys: [{ ...settings.privateJwk, alg: 'ES256', use: 'sig' }] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => issuer,
      getResourceServerInfo: () => ({
        scope: settings.scope,
        audience: issuer,
        accessTokenTTL: settings.accessTokenTtlSeconds,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

provider.listen(settings.port, '127.0.0.1');
