/** A queue of changes holds up nobody who changes nothing, on the database whose commits block the process. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';

let directory: string;
let server: ServeProcess;
beforeAll(async () => {
  directory = makeTemporaryDirectory();
  server = await startServe(directory);
});
afterAll(async () => {
  await server.stop();
  removeDirectory(directory);
});

test('tokens are issued between the commits of 24 clients that never stop changing something', async () => {
  const root = rootCredentials(server.dataDir);
  const token = await acquireToken(server.url, root);
  let changes = 0;
  let isOver = false;
  const flood = Array.from({ length: 24 }, async () => {
    while (!isOver) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      expect((await call('POST', `${server.url}/api/v1/oauth/client`, headers, '{}')).status).toBe(200);
      changes += 1;
    }
  });
  const meanwhile: number[] = [];
  while (meanwhile.length < 20) {
    const before = changes;
    await acquireToken(server.url, root);
    meanwhile.push(changes - before);
  }
  isOver = true;
  await Promise.all(flood);
  expect(meanwhile.toSorted((a, b) => a - b)[10], meanwhile.join()).toBeLessThan(12);
}, 60_000);
