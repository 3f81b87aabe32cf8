/** An https server of somebody else for tests: an issuer, a client that publishes its keys. This process trusts it. */
import 'reflect-metadata';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { cryptoProvider, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';

/** The variable that lets Postern fetch from here. */
export const allowLocalFetches = { POSTERN_FETCH_ALLOWED_NETWORKS: '127.0.0.1/32' };

export interface HttpsServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** What is served: by path a JSON document, or what answers by itself. */
  readonly documents: Map<string, object | RequestListener>;
  /** How often a path was asked for. */
  hits(path: string): number;
  close(): Promise<void>;
}

export async function startHttpsServer(): Promise<HttpsServer> {
  const documents: HttpsServer['documents'] = new Map();
  const hits = new Map<string, number>();
  const server = createServer(await makeCertificate(), (request, response) => {
    const path = request.url ?? '';
    hits.set(path, (hits.get(path) ?? 0) + 1);
    const document = documents.get(path);
    if (typeof document === 'function') {
      document(request, response);
    } else {
      response.statusCode = document === undefined ? 404 : 200;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(document ?? {}));
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    documents,
    hits: (path) => hits.get(path) ?? 0,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function makeCertificate(): Promise<{ key: string; cert: string }> {
  cryptoProvider.set(crypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=issuer under test',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ]),
    ],
  });
  const cert = certificate.toString('pem');
  setDefaultCACertificates([...getCACertificates('default'), cert]);
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`, cert };
}
