/**
 * Closes the server without cutting off callers. For a moment it continues to answer, with `Connection: close`, so that
 * callers leave by themselves and the balancer notices that it is not ready. Then it accepts no more connections, closes
 * those that are idle, and finishes what is in flight. RFC 9112 §9.6.
 */
import type { Server } from 'node:http';
import { setTimeout as pause, setImmediate } from 'node:timers/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether `close` was called. */
    readonly isClosing: boolean;
    /** Cuts off all callers. Call `close` before. */
    closeAtOnce(): void;
  }
}

/** The open connections of a server. */
export interface Connections {
  /** Whether no other request arrived after this one on its connection. */
  isLastRequest(request: FastifyRequest): boolean;
  /** Closes connections on which no request waits for its answer. */
  closeUnused(): void;
}

export interface CloseTimes {
  /** Milliseconds for which a server that closes continues to listen. */
  readonly drainMs: number;
  /** Milliseconds to finish the requests that are in flight then. */
  readonly finishMs: number;
}

/** Milliseconds for a connection that was opened last to send its first request. */
const firstRequestMs = 1_000;

/** Milliseconds between two looks for connections that were accepted after all others were closed. */
const cutEveryMs = 50;

/** Milliseconds without a new connection after which none is on its way, and how often they may begin again. */
const quietMs = 100;
const mostQuietTries = 10;

/** Resolves once all processes that listen on the port have reached a step of closing. */
export type ReachStep = (step: string) => Promise<void>;

export function useGracefulClose(
  app: FastifyInstance,
  connections: Connections,
  { drainMs, finishMs }: CloseTimes,
  reachStep: ReachStep | undefined,
): void {
  let isClosing = false;
  /** Requests that are handled once the server has stopped listening. Undefined: none has to wait. */
  let held: (() => void)[] | undefined;
  const hurry = new AbortController();
  const cut = () => {
    app.server.closeAllConnections();
    setTimeout(cut, cutEveryMs).unref();
  };
  app.decorate('isClosing', {
    getter: () => isClosing,
  });
  app.decorate('closeAtOnce', () => {
    if (!hurry.signal.aborted) {
      hurry.abort();
      cut();
    }
  });

  app.addHook('onRequest', (_request, _reply, done) => {
    if (held === undefined) {
      done();
    } else {
      held.push(done);
    }
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    // Fastify has set the header if it knows sooner.
    if (isClosing || reply.raw.hasHeader('connection')) {
      // An answer that closes the connection would be the last one that a caller reads who has sent several requests.
      if (connections.isLastRequest(request)) {
        reply.header('connection', 'close');
      } else {
        reply.raw.removeHeader('connection');
      }
    }
    done();
  });
  app.addHook('preClose', async () => {
    isClosing = true;
    if (!app.server.listening) {
      return;
    }
    await pause(drainMs, undefined, { signal: hurry.signal }).catch(() => {});
    // Callers who got their answers would connect again, so that there would always be another connection to accept.
    const waiting: (() => void)[] = [];
    held = waiting;
    await acceptLastConnections(app.server);
    if (reachStep !== undefined) {
      await reachStep('accepted the last connections');
      // A supervisor accepts for all processes: what it was late with has arrived before its message, or does now.
      await acceptLastConnections(app.server);
      await reachStep('accepted those that were late');
    }
    app.server.close();
    await reachStep?.('stopped listening');
    held = undefined;
    for (const handle of waiting) {
      handle();
    }
    setTimeout(connections.closeUnused, firstRequestMs).unref();
    setTimeout(app.closeAtOnce, finishMs).unref();
  });
}

/**
 * Resolves once no connection has arrived for a moment: the system resets those that wait to be accepted when the server
 * stops listening. All that was sent on idle connections has been read then, too.
 */
async function acceptLastConnections(server: Server): Promise<void> {
  let hasArrived = true;
  const note = () => {
    hasArrived = true;
  };
  server.on('connection', note);
  for (let tries = 0; hasArrived && tries < mostQuietTries; tries += 1) {
    hasArrived = false;
    await pause(quietMs);
    // Timers run before what has arrived is read.
    await setImmediate();
  }
  server.off('connection', note);
}
