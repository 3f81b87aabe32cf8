/** `localhost` is a name of several addresses, and all of them lead to one server. */
import dns from 'node:dns/promises';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { freePort } from '@postern/testing/free-port';
import Fastify from 'fastify';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { listen } from '../src/serve/listen.ts';

const addresses = ['127.0.0.1', '127.0.0.2'];

// The tests may run on a machine where `localhost` has one address only. Other files of this worker have imported the server already.
beforeAll(() => {
  const found = [...addresses, '127.0.0.1', '192.0.2.1'].map((address) => ({ address, family: 4 }));
  vi.spyOn(dns, 'lookup').mockImplementation((async () => found) as never);
  syncBuiltinESMExports();
});
afterAll(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

const variables = { host: 'HOST', port: 'PORT' };

test('every address of localhost that the machine has leads to the same server, whose limits see all connections', async () => {
  const port = await freePort();
  const app = Fastify({ clientErrorHandler: (_error, socket) => void socket.end('HTTP/1.1 400 ours\r\n\r\n') });
  const seen: (string | undefined)[] = [];
  app.server.on('connection', ({ localAddress }) => void seen.push(localAddress));
  let answer = () => {};
  let isAsked = false;
  app.get(
    '/slow',
    () =>
      new Promise<string>((resolve) => {
        answer = () => resolve('done');
        isAsked = true;
      }),
  );
  await listen(app, { host: 'localhost', port }, variables);

  for (const address of addresses) {
    const socket = connect(port, address);
    socket.write('no HTTP\r\n\r\n');
    expect(await text(socket)).toContain('HTTP/1.1 400 ours');
  }
  expect(seen).toEqual(addresses);

  const slow = connect(port, addresses.at(-1));
  slow.write('GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await vi.waitFor(() => expect(isAsked).toBe(true));
  const closed = app.close();
  answer();
  expect(await text(slow)).toContain('done');
  await closed;
  for (const address of addresses) {
    const late = connect(port, address);
    expect(await once(late, 'connect').catch(({ code }) => code)).toBe('ECONNREFUSED');
  }
});

test('a port that another program has on one of the addresses stops the start', async () => {
  const port = await freePort();
  const other = Fastify();
  await other.listen({ host: '127.0.0.2', port });
  const app = Fastify();
  try {
    const fault = `PORT: ${port} is in use by another program. Example: PORT=${port + 1}`;
    await expect(listen(app, { host: 'localhost', port }, variables)).rejects.toThrow(fault);
  } finally {
    await app.close();
    await other.close();
  }
});
