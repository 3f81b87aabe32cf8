/** An authorization server whose documents a test chooses. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { answerJson, type DocumentServer, startDocumentServer } from '@postern/testing/document-server';
import { goodClaims, goodHeader, tokenOf } from '../fixtures/tokens.ts';

export interface TestIssuer extends DocumentServer {
  /** Creates a key and publishes it. */
  addKey(kid: string): void;
  removeKey(kid: string): void;
  /** Publishes a key that somebody else has. */
  publish(jwk: { readonly kid: string; readonly [member: string]: unknown }): void;
  /** Returns a token signed with a key that `addKey` created, published or not. */
  token(claims?: object, kid?: string, header?: object): string;
}

export const metadataPath = '/.well-known/oauth-authorization-server';
export const jwksPath = '/jwks';
export const feedJwksPath = '/feed-jwks';

/** Headers of the JWK set. */
const maxAge = { 'cache-control': 'public, max-age=300' };

export async function startIssuer(): Promise<TestIssuer> {
  const privateKeys = new Map<string, KeyObject>();
  const published = new Map<string, object>();
  const server = await startDocumentServer();
  const { url, documents } = server;
  documents.set(metadataPath, {
    issuer: url,
    jwks_uri: url + jwksPath,
    revocation_feed_jwks_uri: url + feedJwksPath,
  });
  documents.set(jwksPath, (_request, response) => answerJson(response, 200, { keys: [...published.values()] }, maxAge));

  const issuer: TestIssuer = {
    ...server,
    addKey(kid) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      privateKeys.set(kid, privateKey);
      published.set(kid, { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' });
    },
    removeKey: (kid) => void published.delete(kid),
    publish: (jwk) => void published.set(jwk.kid, jwk),
    token: (claims = {}, kid = 'one', header = {}) =>
      tokenOf({ ...goodHeader, kid, ...header }, { ...goodClaims, iss: url, ...claims }, privateKeys.get(kid)),
  };
  issuer.addKey('one');
  return issuer;
}
