/**
 * Whose connections a proxy passes on that knows nothing of HTTP, such as a balancer of TCP: it announces the caller before
 * the first byte, also before TLS. HAProxy's specification of the PROXY protocol, §2 and §4.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { createAddressCheck } from '@postern/guard/node';
import type { FastifyInstance } from 'fastify';
import { type AnnouncedPeer, parseProxyHeader } from './proxy-header.ts';

/** The other ends of connections that a proxy announced as somebody else's. */
const realPeers = new WeakMap<Socket, string>();

/** The other end of the connection itself, which only one connection has: that of the proxy if there is one. */
export function realPeerOf(socket: Socket): string {
  return realPeers.get(socket) ?? `${socket.remoteAddress} ${socket.remotePort}`;
}

const warnEveryMs = 3_600_000;

/** How a connection from a proxy began that is closed. */
type Fault = 'malformed' | 'missing' | 'late';

export interface ProxyProtocolOptions {
  readonly trustedProxies: readonly string[];
  /** Milliseconds for a header to arrive. */
  readonly headerMs: number;
  readonly monotonic: () => number;
}

/**
 * Expects a header on every connection from `trustedProxies`, and makes the caller that it announces the remote address
 * of the connection. Closes connections without one, counts them, and logs a warning at most once an hour. Connections from
 * elsewhere stay as they are: a header there is no HTTP. Returns the function that reads the count.
 *
 * Does not check that the proxy says the truth.
 */
export function useProxyProtocol(app: FastifyInstance, options: ProxyProtocolOptions): () => number {
  const { headerMs, monotonic } = options;
  const isTrusted = createAddressCheck(options.trustedProxies);
  const server: Server = app.server;
  const waiting = new Set<Socket>();
  /** By the real peer, for TLS connections, which are sockets of their own. */
  const announced = new Map<string, AnnouncedPeer>();
  let refused = 0;
  let warnedAt = Number.NEGATIVE_INFINITY;

  const refuse = (socket: Socket, fault: Fault) => {
    refused += 1;
    if (monotonic() - warnedAt >= warnEveryMs) {
      warnedAt = monotonic();
      app.log.warn(
        { peer: socket.remoteAddress, fault },
        'closed a connection from a trusted proxy that did not begin with a header of the PROXY protocol, as ' +
          'POSTERN_PROXY_PROTOCOL requires',
      );
    }
    socket.destroy();
  };
  const accept = (socket: Socket, peer: AnnouncedPeer | undefined) => {
    if (peer !== undefined) {
      const real = realPeerOf(socket);
      announced.set(real, peer);
      socket.on('close', () => announced.delete(real));
      setPeer(socket, peer);
    }
    emit('connection', socket);
  };
  const emit = server.emit.bind(server) as (event: string, ...values: unknown[]) => boolean;
  server.emit = (event: string, ...values: unknown[]) => {
    const [socket] = values as [Socket];
    if (event !== 'connection' || !isTrusted(socket.remoteAddress)) {
      return emit(event, ...values);
    }
    waiting.add(socket);
    readHeader(socket, headerMs, (header) => {
      waiting.delete(socket);
      if (typeof header === 'string') {
        refuse(socket, header);
      } else if (header !== undefined) {
        accept(socket, header.peer);
      }
    });
    return true;
  };
  server.prependListener('secureConnection', (socket: Socket) => {
    const peer = announced.get(realPeerOf(socket));
    if (peer !== undefined) {
      setPeer(socket, peer);
    }
  });
  app.addHook('preClose', async () => {
    for (const socket of waiting) {
      socket.destroy();
    }
  });
  return () => refused;
}

function setPeer(socket: Socket, { address, port, family }: AnnouncedPeer): void {
  realPeers.set(socket, realPeerOf(socket));
  Object.defineProperties(socket, {
    remoteAddress: { value: address },
    remotePort: { value: port },
    remoteFamily: { value: family },
  });
}

/** Reads a header and nothing more. Calls `done` without one if the connection ends before its first byte, as a probe does. */
function readHeader(
  socket: Socket,
  withinMs: number,
  done: (header: { readonly peer: AnnouncedPeer | undefined } | Fault | undefined) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0);
  const finish = (header: Parameters<typeof done>[0]) => {
    clearTimeout(timer);
    socket.off('readable', read).off('close', end).off('end', end).off('error', ignore);
    done(header);
  };
  const timer = setTimeout(() => finish('late'), withinMs);
  const ignore = () => {};
  const end = () => {
    finish(bytes.length === 0 ? undefined : 'missing');
    socket.destroy();
  };
  const read = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      bytes = Buffer.concat([bytes, chunk]);
    }
    const header = parseProxyHeader(bytes);
    if (header === 'malformed') {
      finish(header);
    } else if (header !== undefined) {
      const rest = bytes.subarray(header.length);
      if (rest.length > 0) {
        socket.unshift(rest);
      }
      finish(header);
    }
  };
  socket.on('readable', read).on('close', end).on('end', end).on('error', ignore);
}
