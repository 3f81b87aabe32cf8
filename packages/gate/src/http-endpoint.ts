/**
 * Answers gateways that ask by HTTP: `auth_request` of nginx, ForwardAuth of Traefik, `forward_auth` of Caddy, the scripts for HAProxy and
 * Apache, and `ext_authz` of Envoy. Serves health and metrics too. RFC 9110 §15, RFC 9112 §9.3.
 *
 * Each way of asking has a path of its own, since each names the request in other headers: a caller could send those of another way.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { answerMetadata } from '@postern/guard/node';
import type { Gate } from './gate.ts';
import type { GatewayCheck } from './gateway-check.ts';
import type { GateMetrics } from './metrics.ts';
import type { GatewayRequest } from './rules/decide.ts';

/** Milliseconds. Gateways keep connections open and use them again, so this side closes them later than most of them do. */
const keepAliveMs = 300_000;
const requestTimeoutMs = 5_000;

/** Bytes: a token of 16 KB and a certificate, beside all that the caller sent. */
const maxHeaderBytes = 65_536;

/** Connections, of gateways alone. */
const maxConnections = 10_000;

/** How each way of asking describes the request. */
const waysOfAsking: readonly {
  readonly path: string;
  readonly read: (request: IncomingMessage, headers: Map<string, string>) => GatewayRequest;
}[] = [
  {
    path: '/forward-auth',
    read: (_request, headers) => describedBy(headers, 'x-forwarded-method', 'x-forwarded-host', 'x-forwarded-uri'),
  },
  {
    path: '/auth-request',
    read: (_request, headers) => describedBy(headers, 'x-original-method', 'x-original-host', 'x-original-uri'),
  },
  {
    // Envoy sends the request itself, without its body, and with this before its path.
    path: '/ext-authz',
    read: ({ method = '', url = '' }, headers) => ({
      method,
      host: headers.get('host') ?? '',
      target: url.slice('/ext-authz'.length),
      headers,
    }),
  },
];

/** A missing header is no method, host or path, so nothing is allowed. */
function describedBy(headers: Map<string, string>, method: string, host: string, target: string): GatewayRequest {
  return {
    method: headers.get(method) ?? '',
    host: headers.get(host) ?? '',
    target: headers.get(target) ?? '',
    headers,
  };
}

/** Creates the server, which does not listen yet. */
export function createHttpEndpoint(gate: Gate, isGateway: GatewayCheck, metrics: GateMetrics): Server {
  const answerGateway = async (
    request: IncomingMessage,
    response: ServerResponse,
    headers: Map<string, string>,
    read: (typeof waysOfAsking)[number]['read'],
  ) => {
    if (!isGateway(request.socket.remoteAddress)) {
      answerJson(response, 403, {
        error: 'access_denied',
        error_description: 'This address is not one of the gateways.',
      });
      return;
    }
    const verdict = await gate.decide(read(request, headers));
    if (verdict.passes) {
      response.writeHead(200, { ...verdict.headers, 'content-length': 0 });
      response.end();
      return;
    }
    const { status, body } = verdict.answer;
    response.writeHead(status, {
      ...verdict.answer.headers,
      // `auth_request` of nginx passes on headers alone.
      'x-gate-error': verdict.code,
      'content-length': Buffer.byteLength(body),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };

  const server = createServer(
    {
      keepAliveTimeout: keepAliveMs,
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      maxHeaderSize: maxHeaderBytes,
      // Sent by Envoy for requests of HTTP/2 without it.
      requireHostHeader: false,
    },
    (request, response) => {
      const { url = '' } = request;
      const headers = headersOf(request.rawHeaders);
      if (hasBody(headers)) {
        // It is not read: the connection ends with the answer.
        response.shouldKeepAlive = false;
      }
      const way = waysOfAsking.find(({ path }) => url.startsWith(path) && isEndOrSlash(url, path.length));
      if (way !== undefined) {
        void answerGateway(request, response, headers, way.read);
      } else if (url === '/health') {
        answerJson(response, 200, { status: 'ok' });
      } else if (url === '/health/ready') {
        answerJson(response, gate.isReady() ? 200 : 503, { status: gate.isReady() ? 'ok' : 'unavailable' });
      } else if (url === '/metrics') {
        void metrics.read().then((text) => {
          response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
        });
      } else if (!gate.guards().some((guard) => answerMetadata(guard, request, response))) {
        answerJson(response, 404, { error: 'not_found', error_description: 'The gate has no such path.' });
      }
    },
  );
  server.maxConnections = maxConnections;
  return server;
}

function isEndOrSlash(url: string, index: number): boolean {
  return url.length === index || url[index] === '/' || url[index] === '?';
}

function hasBody(headers: ReadonlyMap<string, string>): boolean {
  return headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0';
}

/** By name in lower case; repeated headers are joined, so that two tokens are none. */
function headersOf(rawHeaders: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    const value = rawHeaders[index + 1] as string;
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

function answerJson(response: ServerResponse, status: number, body: object): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(body));
}
