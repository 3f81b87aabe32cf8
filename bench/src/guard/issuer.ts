/** An issuer that does nothing but publish its keys and what it withdrew, and access tokens of it. RFC 8414, RFC 9068. */
import { generateKeyPairSync, type KeyObject, randomBytes, randomUUID, sign } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createFeedSigner } from '@postern/testing/feed-signer';

export interface BenchIssuer {
  readonly url: string;
  readonly jwksUrl: string;
  readonly publicKey: KeyObject;
  /** Good for this API. */
  readonly audience: string;
  readonly tokens: readonly string[];
  close(): void;
}

/** Tokens, and the clients that share them evenly. */
const tokenCount = 1_000;
const clientCount = 100;

/** What the feed tells of: tokens that were revoked, and clients that changed, those of the tokens among them. */
const revokedCount = 1_000;
const changedCount = 1_000;

const scopes = 'policy:read policy:create_or_update policy:delete rule:read rule:create_or_update rule:delete';

export async function startIssuer(): Promise<BenchIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const clients = Array.from({ length: changedCount }, () => randomBytes(16).toString('base64url'));
  const audience = 'https://api.example.com';
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', url);
    switch (query.pathname) {
      case '/.well-known/oauth-authorization-server':
        answer(response, {
          issuer: url,
          jwks_uri: jwksUrl,
          revocation_feed_jwks_uri: `${url}/feed-jwks`,
          token_endpoint: `${url}/token`,
        });
        break;
      case '/jwks':
        answer(response, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' }] });
        break;
      case '/feed-jwks':
        answer(response, signer.jwks);
        break;
      case '/token':
        answer(response, { access_token: 'feed', token_type: 'Bearer', expires_in: 86_400 });
        break;
      default:
        if (!query.searchParams.has('cursor')) {
          const page = feedPage(clients, audience);
          answer(response, page, signer.headers(JSON.stringify(page), {}, Date.now()));
        }
      // Who has a cursor waits for news that never comes.
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const jwksUrl = `${url}/jwks`;
  const signer = createFeedSigner(url);
  const tokens = Array.from({ length: tokenCount }, (_, i) =>
    signToken(privateKey, url, audience, clients[i % clientCount] as string),
  );
  return {
    url,
    jwksUrl,
    publicKey,
    audience,
    tokens,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function feedPage(clients: readonly string[], audience: string): object {
  return {
    cursor: 'end',
    snapshot: true,
    more: false,
    lag_seconds: 0,
    entries: [
      ...Array.from({ length: revokedCount }, () => ({ type: 'token', jti: randomUUID(), exp: inAnHour() })),
      ...clients.map((client_id) => ({
        type: 'client',
        client_id,
        active: true,
        gen: 0,
        gen_exact: false,
        scopes: scopes.split(' '),
        resources: [audience],
        authorization_details_types: [],
      })),
    ],
  };
}

function signToken(key: KeyObject, iss: string, aud: string, client_id: string): string {
  const signingInput = [
    { typ: 'at+jwt', alg: 'ES256', kid: 'one' },
    {
      iss,
      sub: client_id,
      client_id,
      aud,
      iat: inAnHour() - 3_600,
      exp: inAnHour(),
      jti: randomUUID(),
      scope: scopes,
      gen: 0,
    },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign('sha256', Buffer.from(signingInput), { key, dsaEncoding: 'ieee-p1363' });
  return `${signingInput}.${signature.toString('base64url')}`;
}

function inAnHour(): number {
  return Math.floor(Date.now() / 1000) + 3_600;
}

function answer(response: ServerResponse, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
