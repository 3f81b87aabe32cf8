/** Servers of tests that listen on a free port of this machine. */
import type { Server } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface LoopbackListener {
  readonly port: number;
  /** Ends open connections too. */
  close(): Promise<void>;
}

export async function listenOnLoopback(server: Server | HttpsServer): Promise<LoopbackListener> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
