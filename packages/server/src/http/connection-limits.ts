/**
 * Bounds what callers hold open without anything being done for them: connections that are idle or send nothing, and
 * requests whose body does not arrive. Whoever is slowest is closed to make room, so that nobody else is refused.
 * RFC 9110 §15.5.9, RFC 9112 §9.5.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { createAddressCheck } from '@postern/guard/node';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { addressGroup } from '../address-group.ts';
import { closeWithAnswer } from './close-with-answer.ts';
import { createCrowd } from './crowd.ts';
import { type CloseTimes, type Connections, type ReachStep, useGracefulClose } from './graceful-close.ts';
import { realPeerOf } from './proxy-protocol.ts';

export interface ConnectionLimits extends CloseTimes {
  /** Connections per process, of one address and of all. Those that wait for changes are among them. */
  readonly connectionsOfAddress: number;
  readonly connections: number;
  /** Requests whose body has not arrived yet. */
  readonly openBodiesOfAddress: number;
  readonly openBodies: number;
  /** Milliseconds for the headers of a request to arrive, or for a TLS handshake. */
  readonly headersMs: number;
  /** Milliseconds for a header of the PROXY protocol to arrive, if one is expected. */
  readonly proxyHeaderMs: number;
  /** Milliseconds for a request to arrive completely. */
  readonly requestMs: number;
  /** Milliseconds for a caller to read an answer. */
  readonly answerMs: number;
  /** Milliseconds between two looks at the times above, by which they may be exceeded. */
  readonly checkEveryMs: number;
}

export const connectionLimits: ConnectionLimits = {
  connectionsOfAddress: 3_000,
  connections: 12_000,
  openBodiesOfAddress: 100,
  openBodies: 1_000,
  headersMs: 10_000,
  proxyHeaderMs: 5_000,
  requestMs: 30_000,
  answerMs: 30_000,
  checkEveryMs: 1_000,
  // Together less than the ten seconds after which Docker kills.
  drainMs: 1_000,
  finishMs: 7_000,
};

/** Requests on one connection that may wait for their answers: callers hardly ever send a second one before. */
const mostPipelined = 10;

/** Functions that `overload.ts` calls for a request with a body. */
export interface OpenBodies {
  open(request: FastifyRequest): void;
  close(request: FastifyRequest): void;
}

/**
 * Limits the connections of `app` and closes them when it closes, and returns the limit for open bodies. The times for
 * requests are in `httpOptions`.
 */
export function useConnectionLimits(
  app: FastifyInstance,
  trustedProxies: readonly string[],
  limits: ConnectionLimits,
  reachStep: ReachStep | undefined,
): OpenBodies {
  useGracefulClose(app, limitConnections(app, createAddressCheck(trustedProxies), limits), limits, reachStep);
  limitAnswerTimes(app, limits);

  const bodies = createCrowd<FastifyRequest>({
    mostOfAddress: limits.openBodiesOfAddress,
    mostOfAll: limits.openBodies,
    isIdle: () => true,
    evict: ({ raw }) => closeWithAnswer(raw.socket, 'bodyEvicted'),
  });
  return { open: (request) => bodies.add(request, addressGroup(request.ip)), close: bodies.remove };
}

interface Connection {
  readonly socket: Socket;
  /** How many of its requests are not answered yet. */
  unanswered: number;
  /** The last one that arrived. */
  lastRequest: IncomingMessage | undefined;
}

function limitConnections(
  app: FastifyInstance,
  isTrustedProxy: (address: string | undefined) => boolean,
  limits: ConnectionLimits,
): Connections {
  const connections = createCrowd<Connection>({
    mostOfAddress: limits.connectionsOfAddress,
    mostOfAll: limits.connections,
    isIdle: ({ unanswered }) => unanswered === 0,
    evict: ({ socket }) => socket.destroy(),
  });
  /** The connection below TLS is known by its other end, which only one connection has. */
  const byPeer = new Map<string, Connection>();
  /** Those of requests by their sockets, which is faster than by the text of the other end. */
  const bySocket = new WeakMap<Socket, Connection>();
  const connectionOf = ({ socket }: IncomingMessage): Connection | undefined => {
    const known = bySocket.get(socket);
    const connection = known ?? byPeer.get(realPeerOf(socket));
    if (known === undefined && connection !== undefined) {
      bySocket.set(socket, connection);
    }
    return connection;
  };

  app.server.on('connection', (socket: Socket) => {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const peer = realPeerOf(socket);
    const connection = { socket, unanswered: 0, lastRequest: undefined };
    byPeer.set(peer, connection);
    socket.on('close', () => {
      byPeer.delete(peer);
      connections.remove(connection);
    });
    connections.add(connection, isTrustedProxy(remoteAddress) ? undefined : addressGroup(remoteAddress));
  });
  app.server.on('request', (request, response) => {
    const connection = connectionOf(request);
    if (connection === undefined) {
      // It has just been closed.
      return;
    }
    connection.unanswered += 1;
    connection.lastRequest = request;
    if (connection.unanswered > mostPipelined) {
      connection.socket.destroy();
    }
    response.on('close', () => {
      connection.unanswered -= 1;
      connections.refresh(connection);
    });
  });
  return {
    isLastRequest(request) {
      const connection = connectionOf(request.raw);
      return connection === undefined || connection.lastRequest === request.raw;
    },
    closeUnused() {
      for (const { socket, unanswered } of byPeer.values()) {
        if (unanswered === 0) {
          socket.destroy();
        }
      }
    },
  };
}

/** Closes connections of callers that do not read their answers. */
function limitAnswerTimes(app: FastifyInstance, { answerMs, checkEveryMs }: ConnectionLimits): void {
  /** In the order in which the answers began. */
  const answering = new Map<FastifyRequest, number>();
  app.addHook('onSend', (request, reply, _payload, done) => {
    answering.set(request, performance.now());
    reply.raw.on('close', () => answering.delete(request));
    done();
  });
  const timer = setInterval(() => {
    const before = performance.now() - answerMs;
    for (const [request, beganAt] of answering) {
      if (beganAt > before) {
        return;
      }
      request.raw.socket.destroy();
      answering.delete(request);
    }
  }, checkEveryMs).unref();
  app.addHook('onClose', async () => clearInterval(timer));
}
