/** Options of the HTTP server: limits, timeouts, TLS, and the answers to malformed requests. */
import { randomUUID } from 'node:crypto';
import type { ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { type FastifyBaseLogger, type FastifyHttpOptions, LogController, type RawServerDefault } from 'fastify';
import type { ServerConfig, TlsFiles } from '../config/config.ts';
import { answerError } from './answer-error.ts';
import { closeWithAnswer } from './close-with-answer.ts';
import { connectionLimits } from './connection-limits.ts';
import { removeIssuerPath } from './issuer-path.ts';
import { securityHeaders } from './security-headers.ts';
import { trailingSlashOptions } from './trailing-slash.ts';

/** The largest JSON body, in bytes. */
export const jsonLimit = 262_144;

/** Returns the options for the Fastify instance on which the `authorizationServer` plugin is registered. */
export function httpOptions(
  config: ServerConfig,
  logger: FastifyBaseLogger,
  { headersMs, requestMs, checkEveryMs } = connectionLimits,
): FastifyHttpOptions<RawServerDefault, FastifyBaseLogger> {
  const headers = securityHeaders(config.issuer);
  const rewriteUrl = removeIssuerPath(config.issuer);
  const node = {
    headersTimeout: headersMs,
    connectionsCheckingInterval: checkEveryMs,
    // `framing.ts` requires it, with an error that says so.
    requireHostHeader: false,
  };
  return {
    loggerInstance: logger,
    // The plugin logs one line per request; the two lines of Fastify would hold the URL with its query.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    trustProxy: config.trustedProxies.length === 0 ? false : [...config.trustedProxies],
    bodyLimit: jsonLimit,
    ...(config.tls === undefined
      ? { http: node }
      : { https: { ...tlsOptions(config.tls), ...node, handshakeTimeout: headersMs } }),
    requestTimeout: requestMs,
    keepAliveTimeout: 72_000,
    // A large database takes its time to load, which is no fault.
    pluginTimeout: 0,
    forceCloseConnections: 'idle',
    // Requests that arrive until the last connection is closed are answered like all others.
    return503OnClosing: false,
    ...(rewriteUrl !== undefined && { rewriteUrl }),
    // Fidesops redirects a path with a slash at its end to the one without.
    routerOptions: { maxParamLength: 200, ...trailingSlashOptions },
    genReqId: () => randomUUID(),
    frameworkErrors: (error, request, reply) => answerError(error, request, reply.headers(headers)),
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
export function tlsOptions({ cert, key, clientCa, clientCrl }: TlsFiles): ServerOptions {
  return {
    cert,
    key,
    // If this is undefined, Node trusts the public roots. Such a certificate still authenticates no client here.
    ca: clientCa,
    // OpenSSL checks its signature and its times, and whether it lists a certificate of the chain.
    ...(clientCrl !== undefined && { crl: clientCrl.lists.map(({ pem }) => pem) }),
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ciphers,
  };
}

/** Answers bytes that are not valid HTTP, and requests that do not arrive, for which Fastify creates no request. */
function answerInvalidHttp(error: Error & { code?: string }, socket: Socket): void {
  const { code = '' } = error;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    closeWithAnswer(socket, 'tooSlow');
  } else if (code.startsWith('HPE_')) {
    closeWithAnswer(socket, code === 'HPE_HEADER_OVERFLOW' ? 'headersTooLarge' : 'invalidHttp');
  } else {
    // The connection broke, or its TLS handshake failed or did not end: nobody can read an answer.
    socket.destroy();
  }
}
