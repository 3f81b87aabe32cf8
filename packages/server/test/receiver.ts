/** A receiver of event streams for tests, by public libraries alone. */
import { answerJson, type DocumentServer } from '@postern/testing/document-server';
import type { Answer, Credentials, TestServer } from '@postern/testing/test-server';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { expect } from 'vitest';

export const pollMethod = 'urn:ietf:rfc:8936';
export const pushMethod = 'urn:ietf:rfc:8935';

export const typeUri = (path: string) => `https://schemas.openid.net/secevent/${path}`;
export const sessionRevoked = typeUri('caep/event-type/session-revoked');
export const credentialChange = typeUri('caep/event-type/credential-change');
export const tokenRevoked = typeUri('oauth/event-type/token-revoked');
export const tokensRevoked = typeUri('oauth/event-type/tokens-revoked');
export const clientDisabled = typeUri('oauth/event-type/client-disabled');
export const clientCredentialChanged = typeUri('oauth/event-type/client-credential-changed');
export const verification = typeUri('ssf/event-type/verification');
export const streamUpdated = typeUri('ssf/event-type/stream-updated');

export interface SetClaims {
  readonly jti: string;
  readonly iat: number;
  readonly txn: string;
  readonly sub_id: object;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape
  readonly events: Readonly<Record<string, any>>;
}

export interface Receiver extends Credentials {
  readonly token: string;
  /** Calls the management API of streams with its token. */
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Creates a stream, and returns its configuration. */
  create(body?: object): Promise<Answer['body']>;
  poll(streamId: string, body?: object): Promise<Answer>;
  /** Polls without waiting, verifies what it gets, and acknowledges it. */
  take(streamId: string): Promise<SetClaims[]>;
}

export async function createReceiver(
  server: TestServer,
  scopes = ['ssf.read', 'ssf.manage', 'revocation:read'],
): Promise<Receiver> {
  const credentials = await server.createClient({ scopes });
  const token = await server.token(credentials);
  const receiver: Receiver = {
    ...credentials,
    token,
    call: (method, path, body) => server.call(method, `/api/v1/ssf/${path}`, { token, body }),
    async create(body = {}) {
      const answer = await receiver.call('POST', 'stream', body);
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
      return answer.body;
    },
    poll: (id, body = {}) => receiver.call('POST', `poll/${id}`, body),
    async take(id) {
      const { status, body } = await receiver.poll(id, { returnImmediately: true });
      expect(status, JSON.stringify(body)).toBe(200);
      const claims = await Promise.all(
        Object.entries(body.sets as Record<string, string>).map(async ([jti, set]) => {
          const verified = await verifySet(server, set, credentials.clientId);
          expect(verified.jti).toBe(jti);
          return verified;
        }),
      );
      if (claims.length > 0) {
        await receiver.poll(id, { maxEvents: 0, ack: Object.keys(body.sets) });
      }
      return claims;
    },
  };
  return receiver;
}

/** Verifies a SET as SSF 1.0 §4.1 says. */
export async function verifySet(server: TestServer, set: string, audience: string): Promise<SetClaims> {
  const keys = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`));
  const { payload } = await jwtVerify(set, keys, {
    issuer: server.url,
    audience,
    typ: 'secevent+jwt',
    algorithms: ['RS256'],
    requiredClaims: ['jti', 'iat', 'sub_id', 'events'],
  });
  return payload as unknown as SetClaims;
}

/** The type of each event, and whom it is about. */
export const tell = (sets: readonly SetClaims[]) =>
  sets.map(({ events, sub_id: subject }) => [Object.keys(events)[0]?.split('/').at(-1), subject]);

export interface PushEndpoint {
  readonly url: string;
  /** What it was sent, in order. */
  readonly requests: { body: string; headers: Record<string, unknown> }[];
  /** What it answers: a status, or a status with a body. */
  answers: (request: { body: string }) => number | [number, object];
}

/** An endpoint of a receiver that takes everything, until it is told otherwise. */
export function servePushes(other: DocumentServer, path: string): PushEndpoint {
  const endpoint: PushEndpoint = { url: other.url + path, requests: [], answers: () => 202 };
  other.documents.set(path, (request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      endpoint.requests.push({ body, headers: request.headers });
      const answer = endpoint.answers({ body });
      if (typeof answer === 'number') {
        response.writeHead(answer).end();
      } else {
        answerJson(response, ...answer);
      }
    });
  });
  return endpoint;
}
