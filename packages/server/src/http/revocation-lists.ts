/** Reads the revocation lists of client certificates again, so that a new list counts without a restart. RFC 5280 §5. */

import { readFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { decodeUtf8 } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';
import { parseRevocationLists } from '../certificates/revocation-lists.ts';
import type { Clock } from '../clock.ts';
import type { TlsFiles } from '../config/config.ts';
import { tlsOptions } from './http-options.ts';

const everyMs = 60_000;

/**
 * A list counts for every connection that begins after it was read. One that began before is closed after its next answer.
 * If the file cannot be read, the list before counts until it expires, and then no certificate of its authority is valid.
 */
export function useRevocationLists(app: FastifyInstance, tls: TlsFiles, clock: Clock): void {
  const { clientCrl } = tls;
  if (clientCrl === undefined) {
    return;
  }
  const server = app.server as unknown as Server;
  let known = clientCrl.lists.join();
  let upToDate = new WeakSet<Socket>();
  server.on('secureConnection', (socket) => void upToDate.add(socket));
  const stop = clock.every(everyMs, async () => {
    try {
      const lists = parseRevocationLists(decodeUtf8(await readFile(clientCrl.file)));
      if (lists.join() !== known) {
        server.setSecureContext(tlsOptions({ ...tls, clientCrl: { ...clientCrl, lists } }));
        known = lists.join();
        upToDate = new WeakSet();
        app.log.info('read a new revocation list');
      }
    } catch (error) {
      app.log.error({ err: error }, 'cannot read the revocation list; the one before is used until it expires');
    }
  });
  app.addHook('onRequest', async ({ raw }, reply) => {
    if (!upToDate.has(raw.socket)) {
      reply.header('connection', 'close');
    }
  });
  app.addHook('onClose', async () => stop());
}
