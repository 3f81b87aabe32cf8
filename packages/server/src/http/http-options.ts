/** Options of the HTTP server: limits, timeouts, TLS, and the answers to malformed requests. */
import { randomUUID } from 'node:crypto';
import type { ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { type FastifyBaseLogger, type FastifyHttpOptions, LogController, type RawServerDefault } from 'fastify';
import type { ServerConfig, TlsFiles } from '../config/config.ts';
import { answerError } from './answer-error.ts';

/** The largest JSON body, in bytes. */
export const jsonLimit = 262_144;

/** Returns the options for the Fastify instance on which the `authorizationServer` plugin is registered. */
export function httpOptions(
  config: ServerConfig,
  logger: FastifyBaseLogger,
): FastifyHttpOptions<RawServerDefault, FastifyBaseLogger> {
  return {
    loggerInstance: logger,
    // The plugin logs one line per request; the two lines of Fastify would hold the URL with its query.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    trustProxy: config.trustedProxies.length === 0 ? false : [...config.trustedProxies],
    bodyLimit: jsonLimit,
    ...(config.tls !== undefined && { https: tlsOptions(config.tls) }),
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    genReqId: () => randomUUID(),
    frameworkErrors: answerError,
    clientErrorHandler: answerInvalidHttp,
  };
}

/** The cipher suites of TLS 1.3, and those of TLS 1.2 that BCP 195 recommends (RFC 9325 §4.2). */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':');

/** Requests a client certificate but does not require one: the endpoints decide whether it is needed and valid. */
function tlsOptions({ cert, key, clientCa }: TlsFiles): ServerOptions {
  return {
    cert,
    key,
    // If this is undefined, Node trusts the public roots. Such a certificate still authenticates no client here.
    ca: clientCa,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ciphers,
  };
}

/** Answers bytes that are not valid HTTP, for which Fastify creates no request. */
function answerInvalidHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code, detail] = describeHttpError(error.code);
  const body = JSON.stringify({ error: code, detail });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function describeHttpError(fault: string | undefined): [status: string, code: string, detail: string] {
  switch (fault) {
    case 'HPE_HEADER_OVERFLOW':
      return ['431 Request Header Fields Too Large', 'header_too_large', 'The URL or the headers are too large.'];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['408 Request Timeout', 'invalid_request', 'The request took too long to arrive.'];
    default:
      return ['400 Bad Request', 'invalid_request', 'The request is not valid HTTP.'];
  }
}
