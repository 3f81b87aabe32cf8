/**
 * Reads the files of TLS again, so that a renewed certificate and a new revocation list count without a restart.
 * RFC 5280 §5.
 */
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../clock.ts';
import type { TlsFiles } from '../config/config.ts';
import { tlsOptions } from './http-options.ts';

const everyMs = 60_000;

/** Read the files again. Throw for what cannot be used. */
export interface TlsReaders {
  identity(): Pick<TlsFiles, 'cert' | 'key' | 'clientCa'>;
  clientCrl(): TlsFiles['clientCrl'];
}

/**
 * What the files contain counts for every connection that begins after it was read. One that began before is closed after its
 * next answer. What cannot be read, or does not fit together since it is being replaced, leaves what was read before: a
 * revocation list counts until it expires, and then no certificate of its authority is valid.
 *
 * Returns the function that tells what counts now.
 */
export function useTlsFiles(app: FastifyInstance, tls: TlsFiles, readers: TlsReaders, clock: Clock): () => TlsFiles {
  const server = app.server as unknown as Server;
  let current = tls;
  let upToDate = new WeakSet<Socket>();
  server.on('secureConnection', (socket) => void upToDate.add(socket));

  /** `fault`: what the log says if that fails. */
  const read = <T extends object>(files: () => T, fault: string): T | undefined => {
    try {
      return files();
    } catch (error) {
      app.log.error({ err: error }, fault);
      return undefined;
    }
  };
  const stop = clock.every(everyMs, async () => {
    const next = {
      ...current,
      ...read(readers.identity, 'cannot read the TLS files; what was read before is used'),
      ...read(
        () => ({ clientCrl: readers.clientCrl() }),
        'cannot read the revocation list; the one before is used until it expires',
      ),
    };
    if (contentOf(next) === contentOf(current)) {
      return;
    }
    read(() => {
      server.setSecureContext(tlsOptions(next));
      current = next;
      upToDate = new WeakSet();
      app.log.info('read new TLS files');
      return next;
    }, 'cannot use the TLS files; what was read before is used');
  });
  app.addHook('onRequest', async ({ raw }, reply) => {
    if (!upToDate.has(raw.socket)) {
      reply.header('connection', 'close');
    }
  });
  app.addHook('onClose', async () => stop());
  return () => current;
}

function contentOf({ cert, key, clientCa, clientCrl }: TlsFiles): string {
  return JSON.stringify([cert, key, clientCa, clientCrl?.lists]);
}
