/**
 * The bounds: a bare server with the cryptography that a request takes, and nothing else. No server that checks the same of a
 * client and signs a token in Node can do less. Signatures that are made one after the other cost less than one in the middle of
 * each request, so there is a second bound that signs together what one turn of the event loop brought.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  sign,
  verify,
  type webcrypto,
} from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { serveTokens } from './token-server.ts';

export interface BoundSettings {
  readonly port: number;
  /** What each request shows: a secret, an assertion in its place, or a secret and a DPoP proof. */
  readonly shows: 'client_secret_post' | 'private_key_jwt' | 'dpop';
  readonly isTogether: boolean;
  readonly clientSecret: string;
  /** Of the client that sends assertions. */
  readonly clientJwk?: webcrypto.JsonWebKey;
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
const clientKey = settings.clientJwk && createPublicKey({ key: settings.clientJwk, format: 'jwk' });
const beforeSignature = `{"access_token":"${settings.signingInput}.`;
const afterSignature = `",${JSON.stringify(settings.members).slice(1)}`;

serveTokens(settings.port, {
  check,
  makeAnswer() {
    const signature = sign('sha256', signingInput, { key, dsaEncoding: 'ieee-p1363' });
    return beforeSignature + signature.toString('base64url') + afterSignature;
  },
  isTogether: settings.isTogether,
});

function check(body: string, headers: IncomingHttpHeaders): void {
  if (settings.shows === 'private_key_jwt') {
    verifyJwt(readParameter(body, 'client_assertion'), clientKey as KeyObject);
    return;
  }
  if (hash('sha256', readParameter(body, 'client_secret')) !== digest) {
    throw new Error('the secret is wrong');
  }
  if (settings.shows === 'dpop') {
    const proof = String(headers['dpop']);
    const { jwk } = JSON.parse(Buffer.from(proof.slice(0, proof.indexOf('.')), 'base64url').toString());
    verifyJwt(proof, createPublicKey({ key: jwk, format: 'jwk' }));
    // The thumbprint that the token is bound to. RFC 7638 §3.
    hash('sha256', JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }), 'base64url');
  }
}

function readParameter(body: string, name: string): string {
  const start = body.indexOf(`&${name}=`) + name.length + 2;
  return body.slice(start, body.indexOf('&', start));
}

function verifyJwt(jwt: string, publicKey: KeyObject): void {
  const dot = jwt.lastIndexOf('.');
  const signature = Buffer.from(jwt.slice(dot + 1), 'base64url');
  if (!verify('sha256', Buffer.from(jwt.slice(0, dot)), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)) {
    throw new Error('the signature is wrong');
  }
}
