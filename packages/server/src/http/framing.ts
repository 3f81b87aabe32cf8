/**
 * Refuses requests that a proxy may have read differently than this server: where one ends, which host it is for, and which
 * of several credentials counts. Node's parser refuses most of them, and lets these pass. RFC 9112 §2.3, §3.2, §6.1, §11.2.
 */
import type { IncomingMessage } from 'node:http';
import { OAuthError } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';

/** Headers of which Node, like a proxy, reads only one, though perhaps not the same one. */
const singleHeaders = ['host', 'authorization', 'content-type', 'content-encoding', 'dpop', 'idempotency-key'];

/** A name or address, and perhaps a port. */
const hostPattern = /^(?:[\w.~-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i;

/**
 * Refuses such requests to `app`, before anything else is done with them. The connection is closed, since its next bytes may
 * mean anything. `certificateHeader` is the one in which proxies forward certificates.
 */
export function useFraming(app: FastifyInstance, certificateHeader?: string): void {
  const findRepeated = createRepetitionFinder(
    certificateHeader === undefined ? singleHeaders : [...singleHeaders, certificateHeader],
  );
  app.addHook('onRequest', ({ raw }, reply, done) => {
    const repeated = findRepeated(raw.rawHeaders);
    const fault = findFramingFault(raw) ?? (repeated && `The request has the header ${repeated} more than once.`);
    if (fault === undefined) {
      done();
    } else {
      reply.header('connection', 'close');
      done(new OAuthError('invalid_request', fault));
    }
  });
}

function findFramingFault({ httpVersion, url = '', headers }: IncomingMessage): string | undefined {
  const { host, 'transfer-encoding': transferEncoding } = headers;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return 'The version of HTTP must be 1.1 or 1.0.';
  }
  if (host === undefined ? httpVersion === '1.1' : !hostPattern.test(host)) {
    return 'The request must have the header Host with one host and perhaps a port.';
  }
  if (transferEncoding !== undefined && (httpVersion === '1.0' || transferEncoding.toLowerCase() !== 'chunked')) {
    return 'The only Transfer-Encoding is chunked, in HTTP/1.1.';
  }
  if (url.includes('#') || !(url.startsWith('/') || isForHost(url, host))) {
    return 'The target of the request must be a path, or a URL whose host is that of the header Host.';
  }
  return undefined;
}

/** Whether a target in absolute form names the same host as the header. RFC 9112 §3.2.2. */
function isForHost(url: string, host: string | undefined): boolean {
  const [, authority] = /^https?:\/\/([^/?]*)\//i.exec(url) ?? [];
  return authority !== undefined && authority.toLowerCase() === host?.toLowerCase();
}

/** Returns a function that finds the name of a header that occurs more than once, of those with the given names. */
function createRepetitionFinder(names: readonly string[]): (rawHeaders: readonly string[]) => string | undefined {
  // The length of a name tells most headers apart, without a copy of it in lower case.
  const lengths = new Set(names.map(({ length }) => length));
  return (rawHeaders) => {
    const seen: string[] = [];
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] as string;
      if (lengths.has(name.length)) {
        const lower = name.toLowerCase();
        if (seen.includes(lower)) {
          return lower;
        }
        if (names.includes(lower)) {
          seen.push(lower);
        }
      }
    }
    return undefined;
  };
}
