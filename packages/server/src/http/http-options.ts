/** How the HTTP server under Postern is set up: limits, time-outs, what it says of malformed requests. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type FastifyBaseLogger, type FastifyHttpOptions, LogController, type RawServerDefault } from 'fastify';
import type { ServerConfig } from '../config.ts';
import { answerError } from './answer-error.ts';

/** Bytes of a JSON body. */
const bodyLimit = 262_144;

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
    bodyLimit,
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    genReqId: createRequestIds(),
    frameworkErrors: answerError,
    clientErrorHandler: answerMalformed,
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
