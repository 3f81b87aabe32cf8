/** Plain http to another machine: refused by everything, unless one switch says that the network encrypts. RFC 6749 §1.6. */
import { clientSecretBasic, createTokenClient } from '@postern/client';
import { createApiGuard } from '@postern/guard';
import { freePort } from '@postern/testing/free-port';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  makeTemporaryDirectory,
  removeDirectory,
  rootCredentials,
  run,
  type ServeProcess,
  startServe,
} from './harness.ts';

let directory: string;
let server: ServeProcess;
let issuer: string;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  const port = await freePort();
  // An address that leads here and yet is none of this machine's own by its look.
  issuer = `http://0.0.0.0:${port}`;
  server = await startServe(directory, {
    port,
    env: { HOST: '0.0.0.0', POSTERN_ISSUER: issuer, POSTERN_ALLOW_HTTP: 'true' },
  });
});
afterAll(async () => {
  await server.stop();
  removeDirectory(directory);
});

test('the server does not start with such an issuer, and names the switch', async () => {
  const { code, stderr } = await run(['serve'], { POSTERN_ISSUER: issuer, POSTERN_DATA_DIR: `${directory}/other` });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^postern: POSTERN_ISSUER: .* must use https, .* set POSTERN_ALLOW_HTTP=true/);
});

test('client and guard refuse it without allowHttp, and work with it', async () => {
  const { clientId, clientSecret } = rootCredentials(server.dataDir);
  const authentication = clientSecretBasic(clientId, clientSecret);
  const audience = issuer;
  expect(() => createTokenClient({ issuer, authentication })).toThrow(/allowHttp/);
  expect(() => createApiGuard({ issuer, audience })).toThrow(/allowHttp/);

  const client = createTokenClient({ issuer, authentication, allowHttp: true });
  expect((await client.fetch(`${issuer}/api/v1/oauth/client`)).status).toBe(200);
  const guard = createApiGuard({ issuer, audience, allowHttp: true, revocations: { fetch: client.fetch } });
  await guard.start();
  const request = {
    method: 'GET',
    path: '/',
    authorization: `Bearer ${(await client.getToken()).accessToken}`,
    dpop: undefined,
    certificateThumbprint: undefined,
  };
  expect((await guard.authorize(request, 'client:read')).issuer).toBe(issuer);
  await guard.close();
});

test('the command refuses it without POSTERN_ALLOW_HTTP, and works with it', async () => {
  const { clientId, clientSecret } = rootCredentials(server.dataDir);
  const env = { HOME: directory, POSTERN_CLIENT_ID: clientId, POSTERN_CLIENT_SECRET: clientSecret };
  const refused = await run(['token', '--server', issuer], env);
  expect([refused.code, refused.stdout]).toEqual([2, '']);
  expect(refused.stderr).toContain('set POSTERN_ALLOW_HTTP=true');
  const { code, stdout } = await run(['token', '--server', issuer], { ...env, POSTERN_ALLOW_HTTP: 'true' });
  expect([code, stdout.split('.').length]).toEqual([0, 3]);
});
