/** A proxy for tests, which tunnels every connection to one port of this machine, whatever its name. RFC 9110 §9.3.6. */
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { listenOnLoopback } from './loopback-listener.ts';

export interface ConnectProxy {
  readonly url: string;
  /** The targets that it was asked for, in order. */
  readonly targets: readonly string[];
  close(): Promise<void>;
}

export async function startConnectProxy(targetPort: number): Promise<ConnectProxy> {
  const targets: string[] = [];
  const tunnels = new Set<Socket>();
  const server = createServer((_request, response) => void response.writeHead(400).end());
  server.on('connect', ({ url }, socket) => {
    targets.push(String(url));
    tunnels.add(socket as Socket);
    socket.on('close', () => tunnels.delete(socket as Socket));
    const target = connect(targetPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  const { port, close } = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}`,
    targets,
    async close() {
      for (const socket of tunnels) {
        socket.destroy();
      }
      await close();
    },
  };
}
