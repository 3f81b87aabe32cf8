/** A server of a third party for tests, such as an issuer or a client that publishes its keys: it serves documents. */
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createServerIdentity, type Identity } from './certificates.ts';
import { listenOnLoopback } from './loopback-listener.ts';

/** The variable that lets Postern fetch from this machine. */
export const allowLocalFetches = { POSTERN_FETCH_ALLOWED_NETWORKS: '127.0.0.1/32' };

export interface DocumentServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** Its certificate in PEM, which other processes must trust. Undefined: it serves http. */
  readonly cert: string | undefined;
  /** By path without query: a JSON document, or a listener that answers. */
  readonly documents: Map<string, object | RequestListener>;
  /** How many requests a path has had. */
  hits(path: string): number;
  close(): Promise<void>;
}

/** `tls`: serves https with this certificate and key in PEM. */
export async function startDocumentServer(tls?: { cert: string; key: string }): Promise<DocumentServer> {
  const documents: DocumentServer['documents'] = new Map();
  const hits = new Map<string, number>();
  const listener: RequestListener = (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    hits.set(path, (hits.get(path) ?? 0) + 1);
    const document = documents.get(path);
    if (typeof document === 'function') {
      (document as RequestListener)(request, response);
    } else {
      answerJson(response, document === undefined ? 404 : 200, document ?? {});
    }
  };
  const server = tls === undefined ? createServer(listener) : createHttpsServer(tls, listener);
  const { port, close } = await listenOnLoopback(server);
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    cert: tls?.cert,
    documents,
    hits: (path) => hits.get(path) ?? 0,
    close,
  };
}

let trustedIdentity: Promise<Identity> | undefined;

/** An https server whose certificate this process trusts. All have the same one: a process trusts no two of one name. */
export async function startHttpsServer(): Promise<DocumentServer> {
  trustedIdentity ??= createServerIdentity();
  const identity = await trustedIdentity;
  const authorities = getCACertificates('default');
  if (!authorities.includes(identity.cert)) {
    setDefaultCACertificates([...authorities, identity.cert]);
  }
  return startDocumentServer(identity);
}

export function answerJson(response: ServerResponse, status: number, body: object, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
