/** The places at which the server takes a JWT of others, for tests that bring what does not belong there. */
import { createHash, type KeyObject } from 'node:crypto';
import { createApiGuard, type RevocationOptions } from '@postern/guard';
import { decodeJws, feedSignatureHeader } from '@postern/protocol';
import type { Answer, Credentials, TestServer } from '@postern/testing/test-server';
import { loadSigningKeys } from '../src/keys/signing-key-store.ts';

export const tokenPath = '/api/v1/oauth/token';
export const apiPath = '/api/v1/oauth/scope';
export const feedPath = '/api/v1/oauth/revocations';

export const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
export const jwtTokenType = 'urn:ietf:params:oauth:token-type:jwt';
export const idTokenType = 'urn:ietf:params:oauth:token-type:id_token';

const feedBody = JSON.stringify({ cursor: 'a', snapshot: true, more: false, lag_seconds: 0, entries: [] });

/** What the signature of the feed says of the answer that it is tried with. */
export const feedDigest = createHash('sha256').update(feedBody).digest('base64url');

interface Place {
  /** What is said to a JWT that has no business there. */
  readonly refusal: string;
  /** `passed`, or what was said instead. `client` authenticates by its secret where the JWT is not the credential. */
  readonly send: (jwt: string, server: TestServer, client: Credentials) => Promise<string>;
}

/** A grant that takes a JWT is one entry here. */
export const places = {
  'Authorization: Bearer': {
    refusal: '401 invalid_token',
    send: async (jwt, server) => outcomeOf(await server.call('GET', apiPath, { token: jwt })),
  },
  client_assertion: {
    refusal: '401 invalid_client',
    send: async (jwt, server) =>
      outcomeOf(
        await server.postForm(tokenPath, {
          grant_type: 'client_credentials',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: jwt,
        }),
      ),
  },
  'client_assertion, as a JWT-SVID': {
    refusal: '401 invalid_client',
    send: async (jwt, server) =>
      outcomeOf(
        await server.postForm(tokenPath, {
          grant_type: 'client_credentials',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
          client_assertion: jwt,
        }),
      ),
  },
  'DPoP at the token endpoint': {
    refusal: '400 invalid_dpop_proof',
    send: async (jwt, server, client) =>
      outcomeOf(
        await server.postForm(tokenPath, { grant_type: 'client_credentials', ...secretOf(client) }, { dpop: jwt }),
      ),
  },
  'assertion of the jwt-bearer grant': {
    refusal: '400 invalid_grant',
    send: async (jwt, server) => outcomeOf(await server.postForm(tokenPath, { grant_type: jwtBearer, assertion: jwt })),
  },
  'assertion of the jwt-bearer grant, with the credentials of the client': {
    refusal: '400 invalid_grant',
    send: async (jwt, server, client) =>
      outcomeOf(await server.postForm(tokenPath, { grant_type: jwtBearer, assertion: jwt, ...secretOf(client) })),
  },
  'subject_token of token exchange': {
    refusal: '400 invalid_request',
    send: (jwt, server, client) =>
      exchange(server, client, { subject_token: jwt, subject_token_type: accessTokenType }),
  },
  'subject_token of token exchange, as a JWT': {
    refusal: '400 invalid_request',
    send: (jwt, server, client) => exchange(server, client, { subject_token: jwt, subject_token_type: jwtTokenType }),
  },
  'subject_token of token exchange, as an ID token': {
    refusal: '400 invalid_request',
    send: (jwt, server, client) => exchange(server, client, { subject_token: jwt, subject_token_type: idTokenType }),
  },
  'actor_token of token exchange': {
    refusal: '400 invalid_request',
    send: async (jwt, server, client) =>
      exchange(server, client, {
        subject_token: await server.token(client),
        subject_token_type: accessTokenType,
        actor_token: jwt,
        actor_token_type: accessTokenType,
      }),
  },
  'token at introspection': {
    refusal: 'inactive',
    // By root, who sees all tokens.
    send: async (jwt, server) => {
      const answer = await server.postForm('/api/v1/oauth/introspect', { token: jwt, ...secretOf(server.root) });
      return answer.body.active === false ? 'inactive' : outcomeOf(answer);
    },
  },
  'token at revocation': {
    refusal: 'nothing to revoke',
    send: async (jwt, server) => {
      const revocations = () => server.log.filter((line) => line.includes('"access token revoked"')).length;
      const before = revocations();
      const answer = await server.postForm('/api/v1/oauth/revoke', { token: jwt, ...secretOf(server.root) });
      return answer.status === 200 && revocations() === before ? 'nothing to revoke' : outcomeOf(answer);
    },
  },
  'answer of the revocation feed, at a guard': {
    refusal: 'refused',
    send: async (jwt, server) =>
      follow(server, { fetch: async () => new Response(feedBody, { headers: { [feedSignatureHeader]: jwt } }) }),
  },
  'SET of an event stream, at a guard': {
    refusal: 'refused',
    send: async (jwt, server) => {
      // Of whatever receiver and stream it is.
      const { jti = '', aud = '', sub_id = {} } = (decodeJws(jwt)?.payload ?? {}) as Record<string, never>;
      const { id: streamId = 'stream' } = sub_id as { id?: string };
      return follow(server, {
        fetch: async () => Response.json({ sets: { [jti]: jwt } }),
        sharedSignals: { streamId, clientId: aud },
      });
    },
  },
} satisfies Record<string, Place>;

/** `passed` if a guard takes what it is answered for revocations. */
async function follow(server: TestServer, revocations: RevocationOptions): Promise<string> {
  const guard = createApiGuard({
    issuer: server.url,
    audience: 'https://api.example.com',
    revocations,
    onFault: () => {},
    now: server.now,
  });
  const outcome = await guard.start().then(
    () => 'passed',
    () => 'refused',
  );
  await guard.close();
  return outcome;
}

export type PlaceName = keyof typeof places;

async function exchange(server: TestServer, client: Credentials, form: Record<string, string>): Promise<string> {
  return outcomeOf(await server.postForm(tokenPath, { grant_type: tokenExchange, ...form, ...secretOf(client) }));
}

/** `passed`, or the status and the error code. */
export function outcomeOf({ status, body }: Answer): string {
  return status === 200 ? 'passed' : `${status} ${body.error}`;
}

/** The parameters of a client that authenticates by `client_secret_post`. */
export function secretOf({ clientId, clientSecret }: Credentials): Record<string, string> {
  return { client_id: clientId, client_secret: clientSecret };
}

export interface StolenKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: Readonly<Record<string, string>>;
}

/** The key that the server signs with, out of its database: for JWTs that it would never sign itself. */
export async function stealSigningKey(server: TestServer): Promise<StolenKey> {
  const [key] = await loadSigningKeys(server.db, server.masterKey);
  if (key === undefined) {
    throw new Error('the server has no key');
  }
  return key;
}
