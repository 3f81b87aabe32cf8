/**
 * Server (b), the bound: as (a), with one SHA-256 of the client's secret and one ES256 signature a request. Nothing
 * that checks a secret by a digest and signs a token in Node can do less.
 */
import { createHash, createPrivateKey, hash, sign, type webcrypto } from 'node:crypto';
import { serveTokens } from './token-server.ts';

export interface BoundSettings {
  readonly port: number;
  readonly clientSecret: string;
  readonly privateJwk: webcrypto.JsonWebKey;
  /** The header and the claims of the token, of the size that Postern's have. */
  readonly signingInput: string;
  /** The members of the answer beside the token. */
  readonly members: Readonly<Record<string, unknown>>;
}

const settings: BoundSettings = JSON.parse(process.argv[2] ?? '');
const key = createPrivateKey({ key: settings.privateJwk, format: 'jwk' });
const signingInput = Buffer.from(settings.signingInput);
const digest = createHash('sha256').update(settings.clientSecret).digest('hex');
const beforeSignature = `{"access_token":"${settings.signingInput}.`;
const afterSignature = `",${JSON.stringify(settings.members).slice(1)}`;

serveTokens(settings.port, (body) => {
  const start = body.indexOf('&client_secret=') + '&client_secret='.length;
  if (hash('sha256', body.slice(start, body.indexOf('&', start))) !== digest) {
    throw new Error('the secret is wrong');
  }
  const signature = sign('sha256', signingInput, { key, dsaEncoding: 'ieee-p1363' });
  return beforeSignature + signature.toString('base64url') + afterSignature;
});
