/** An authorization server of the tests' own making: its documents are what a test puts there. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { goodClaims, goodHeader, now, tokenOf } from '../fixtures/tokens.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface TestIssuer {
  readonly url: string;
  /** By path without query: a JSON document, or what answers by itself. */
  readonly documents: Map<string, object | Handler>;
  /** How often a path was asked for. */
  hits(path: string): number;
  /** Makes a key and publishes it. */
  addKey(kid: string): void;
  removeKey(kid: string): void;
  /** A token signed with a key that `addKey` made, published or not. */
  token(claims?: object, kid?: string): string;
  close(): Promise<void>;
}

export const metadataPath = '/.well-known/oauth-authorization-server';
export const jwksPath = '/jwks';

/** Headers of the JWK set. */
const maxAge = { 'cache-control': 'public, max-age=300' };

export async function startIssuer(): Promise<TestIssuer> {
  const documents = new Map<string, object | Handler>();
  const hits = new Map<string, number>();
  const privateKeys = new Map<string, KeyObject>();
  const published = new Map<string, object>();
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    hits.set(path, (hits.get(path) ?? 0) + 1);
    const document = documents.get(path);
    if (typeof document === 'function') {
      (document as Handler)(request, response);
    } else {
      answerJson(response, document === undefined ? 404 : 200, document ?? {});
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  documents.set(metadataPath, { issuer: url, jwks_uri: url + jwksPath });
  documents.set(jwksPath, (_request, response) => answerJson(response, 200, { keys: [...published.values()] }, maxAge));

  const issuer: TestIssuer = {
    url,
    documents,
    hits: (path) => hits.get(path) ?? 0,
    addKey(kid) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      privateKeys.set(kid, privateKey);
      published.set(kid, { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' });
    },
    removeKey: (kid) => void published.delete(kid),
    token: (claims = {}, kid = 'one') =>
      tokenOf({ ...goodHeader, kid }, { ...goodClaims, iss: url, ...claims }, privateKeys.get(kid)),
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  issuer.addKey('one');
  return issuer;
}

export function answerJson(response: ServerResponse, status: number, body: object, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** A clock that stands until a test moves it, in milliseconds since 1970; tokens of the tests are good at its start. */
export function createClock(): { now: () => number; advance: (seconds: number) => void } {
  let nowMs = now * 1000;
  return {
    now: () => nowMs,
    advance: (seconds) => {
      nowMs += seconds * 1000;
    },
  };
}
