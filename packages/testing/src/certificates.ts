/** Certificates for tests: authorities, certificates issued by them, and self-signed ones. */
import 'reflect-metadata';
import { type webcrypto, X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type GeneralNameType,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509';

cryptoProvider.set(globalThis.crypto);

/** A certificate with its private key, both in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  readonly x509: X509Certificate;
  readonly name: JsonName;
  readonly keys: webcrypto.CryptoKeyPair;
}

export interface AlternativeName {
  readonly type: GeneralNameType;
  readonly value: string;
}

export interface IdentityOptions {
  readonly subject: JsonName;
  readonly san?: readonly AlternativeName[];
  /** Undefined: self-signed. */
  readonly issuer?: Identity;
  readonly isAuthority?: boolean;
  readonly forServers?: boolean;
  readonly keyUsages?: KeyUsageFlags;
  readonly extensions?: readonly Extension[];
  /** How many authorities may stand below this one. */
  readonly pathLength?: number;
  /** Milliseconds since 1970. Default: from an hour ago for a day. */
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly keys?: webcrypto.CryptoKeyPair;
}

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export async function createIdentity(options: IdentityOptions): Promise<Identity> {
  const { subject, san, issuer, isAuthority = false, forServers = false } = options;
  const keys =
    options.keys ?? ((await crypto.subtle.generateKey(p256, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: Buffer.from(crypto.getRandomValues(new Uint8Array(8)).with(0, 1)).toString('hex'),
    subject,
    issuer: issuer?.name ?? subject,
    notBefore: new Date(options.notBefore ?? Date.now() - 3_600_000),
    notAfter: new Date(options.notAfter ?? Date.now() + 86_400_000),
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: p256,
    extensions: [
      new BasicConstraintsExtension(isAuthority, options.pathLength, true),
      ...(options.keyUsages === undefined ? [] : [new KeyUsagesExtension(options.keyUsages, true)]),
      ...(options.extensions ?? []),
      ...(isAuthority
        ? []
        : [new ExtendedKeyUsageExtension([forServers ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth])]),
      ...(san === undefined ? [] : [new SubjectAlternativeNameExtension([...san])]),
    ],
  });
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    cert: certificate.toString('pem'),
    key: PemConverter.encode(pkcs8, 'PRIVATE KEY'),
    x509: new X509Certificate(Buffer.from(certificate.rawData)),
    name: subject,
    keys,
  };
}

export const createAuthority = (name: string) => createIdentity({ subject: [{ CN: [name] }], isAuthority: true });

/** A server's certificate for this machine; self-signed without `issuer`. */
export const createServerIdentity = (issuer?: Identity) =>
  createIdentity({
    subject: [{ CN: ['postern'] }],
    ...(issuer && { issuer }),
    forServers: true,
    san: [
      { type: 'ip', value: '127.0.0.1' },
      { type: 'dns', value: 'localhost' },
    ],
  });

/** A fetch over TLS that trusts `authority` and presents the certificate of `identity`. Each call opens a connection. */
export function tlsFetch(authority: Identity, identity?: Identity, localAddress?: string): typeof fetch {
  return async (input, init) => {
    const wanted = new Request(input, init);
    const body = Buffer.from(await wanted.arrayBuffer());
    return new Promise((resolve, reject) => {
      const sent = request(
        wanted.url,
        {
          method: wanted.method,
          headers: { ...Object.fromEntries(wanted.headers), 'content-length': body.length },
          ca: authority.cert,
          agent: false,
          ...(identity && { cert: identity.cert, key: identity.key }),
          ...(localAddress !== undefined && { localAddress }),
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            const { statusCode: status = 0, headers } = answer;
            const entries = Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]);
            resolve(new Response(status === 204 ? null : Buffer.concat(chunks), { status, headers: entries }));
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  };
}

export interface RevocationListOptions {
  readonly revoked?: readonly Identity[];
  /** Milliseconds since 1970. Default: from an hour ago for a day. */
  readonly thisUpdate?: number;
  readonly nextUpdate?: number;
  /** Whoever signs it in the name of the authority. Default: the authority. */
  readonly signer?: Identity;
}

/** A revocation list in PEM. */
export async function createRevocationList(authority: Identity, options: RevocationListOptions = {}): Promise<string> {
  const { revoked = [], signer = authority } = options;
  const list = await X509CrlGenerator.create({
    issuer: authority.name,
    thisUpdate: new Date(options.thisUpdate ?? Date.now() - 3_600_000),
    nextUpdate: new Date(options.nextUpdate ?? Date.now() + 86_400_000),
    entries: revoked.map(({ x509 }) => ({ serialNumber: x509.serialNumber, revocationDate: new Date() })),
    signingKey: signer.keys.privateKey,
    signingAlgorithm: p256,
  });
  return PemConverter.encode(list.rawData, 'X509 CRL');
}

/** An authority of a SPIFFE trust domain. */
export const createSpiffeAuthority = (over: Partial<IdentityOptions> = {}) =>
  createIdentity({
    subject: [{ C: ['US'] }, { O: ['SPIFFE'] }],
    isAuthority: true,
    keyUsages: KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign,
    san: [{ type: 'url', value: 'spiffe://example.org' }],
    ...over,
  });

/** An X.509-SVID. */
export const createX509Svid = (issuer: Identity, spiffeId: string, over: Partial<IdentityOptions> = {}) =>
  createIdentity({
    subject: [{ C: ['US'] }, { O: ['SPIRE'] }],
    issuer,
    keyUsages: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment,
    san: [{ type: 'url', value: spiffeId }],
    ...over,
  });

/** The identity, whose certificate is sent with others that lead to its authority. */
export const withChain = (identity: Identity, ...chain: readonly Identity[]): Identity => ({
  ...identity,
  cert: [identity, ...chain].map(({ cert }) => cert).join('\n'),
});

/** An authority in a SPIFFE bundle. */
export async function authorityJwk({ keys, x509 }: Identity): Promise<Record<string, unknown>> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', keys.publicKey);
  return { use: 'x509-svid', kty, crv, x, y, x5c: [x509.raw.toString('base64')] };
}

export { Extension, KeyUsageFlags } from '@peculiar/x509';
