/** How the HTTP server under Postern is set up: limits, time-outs, what it says of malformed requests. */
import { randomBytes } from 'node:crypto';
import type { ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { type FastifyBaseLogger, type FastifyHttpOptions, LogController, type RawServerDefault } from 'fastify';
import type { ServerConfig, TlsFiles } from '../config/config.ts';
import { answerError } from './answer-error.ts';

/** Bytes of a JSON body. */
export const jsonLimit = 262_144;

/** Options for the Fastify instance that the `authorizationServer` plugin is registered on. */
export function httpOptions(
  config: ServerConfig,
  logger: FastifyBaseLogger,
): FastifyHttpOptions<RawServerDefault, FastifyBaseLogger> {
  return {
    loggerInstance: logger,
    // One line a request, written by the plugin; Fastify's two would repeat the URL with its query.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    trustProxy: config.trustedProxies.length === 0 ? false : [...config.trustedProxies],
    bodyLimit: jsonLimit,
    ...(config.tls !== undefined && { https: tlsOptions(config.tls) }),
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    genReqId: createRequestIds(),
    frameworkErrors: answerError,
    clientErrorHandler: answerMalformed,
  };
}

/** The suites of TLS 1.3, and of TLS 1.2 those that BCP 195 recommends (RFC 9325 §4.2). */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':');

/** Clients are asked for a certificate and need none: whether one is due, and which, is the endpoints' to judge. */
function tlsOptions({ cert, key, clientCa }: TlsFiles): ServerOptions {
  return {
    cert,
    key,
    // Without roots of its own Node takes those of the web, which authenticate nobody here.
    ca: clientCa,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ciphers,
  };
}

/** Ids that are unique over restarts and cheap: a random start, then a count. */
function createRequestIds(): () => string {
  const start = randomBytes(6).toString('hex');
  let count = 0;
  return () => {
    count += 1;
    return `${start}-${count}`;
  };
}

/** Answers what is not HTTP at all, for which there is no request to speak of. */
function answerMalformed(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code, detail] = describeMalformed(error.code);
  const body = JSON.stringify({ error: code, detail });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function describeMalformed(fault: string | undefined): [status: string, code: string, detail: string] {
  switch (fault) {
    case 'HPE_HEADER_OVERFLOW':
      return ['431 Request Header Fields Too Large', 'header_too_large', 'The URL or the headers are too large.'];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['408 Request Timeout', 'invalid_request', 'The request took too long to arrive.'];
    default:
      return ['400 Bad Request', 'invalid_request', 'The request is not valid HTTP.'];
  }
}
