/** How the command and the server reach others: through the proxies and with the authorities of the environment. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createIdentity } from '@postern/testing/certificates';
import { type ConnectProxy, startConnectProxy } from '@postern/testing/connect-proxy';
import { type DocumentServer, startDocumentServer } from '@postern/testing/document-server';
import { freePort } from '@postern/testing/free-port';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTemporaryDirectory, removeDirectory, run } from './harness.ts';

let directory: string;
let server: DocumentServer;
let proxy: ConnectProxy;
let env: Record<string, string>;
const address = 'https://auth.example.com';

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  const identity = await createIdentity({
    subject: [{ CN: ['auth'] }],
    forServers: true,
    san: [{ type: 'dns', value: 'auth.example.com' }],
  });
  server = await startDocumentServer(identity);
  server.documents.set('/api/v1/oauth/token', {
    access_token: 'a.b.c',
    token_type: 'Bearer',
    expires_in: 60,
    scope: '',
  });
  proxy = await startConnectProxy(Number(new URL(server.url).port));
  const ca = join(directory, 'ca.pem');
  writeFileSync(ca, `# The authority of the company.\n${identity.cert}\n`);
  env = {
    HOME: directory,
    POSTERN_SERVER: address,
    POSTERN_CLIENT_ID: 'a',
    POSTERN_CLIENT_SECRET: 'b',
    HTTPS_PROXY: proxy.url,
    POSTERN_CA_FILE: ca,
  };
});
afterAll(async () => {
  await proxy.close();
  await server.close();
  removeDirectory(directory);
});

const token = (over: Record<string, string>) => run(['token'], { ...env, ...over });

test.each([
  ['in capitals', {}],
  ['in small letters, which come first', () => ({ https_proxy: proxy.url, HTTPS_PROXY: 'http://127.0.0.1:9' })],
  ['without a scheme', () => ({ HTTPS_PROXY: proxy.url.replace('http://', '') })],
  ['beside a kind of proxy that is not ours', { ALL_PROXY: 'socks5://127.0.0.1:9' }],
])('HTTPS_PROXY %s leads to the server, whose authority POSTERN_CA_FILE names', async (_, over) => {
  const before = proxy.targets.length;
  const { code, stdout, stderr } = await token(typeof over === 'function' ? over() : over);
  expect([code, stderr, stdout.trim()]).toEqual([0, '', 'a.b.c']);
  expect(proxy.targets.slice(before)).toEqual(['auth.example.com:443']);
});

test('without POSTERN_CA_FILE the certificate is refused, and the error names the variable', async () => {
  const { code, stderr } = await token({ POSTERN_CA_FILE: '' });
  expect(code).not.toBe(0);
  expect(stderr).toContain('POSTERN_CA_FILE');
});

test('NO_PROXY and this machine are reached directly', async () => {
  const before = proxy.targets.length;
  await token({ NO_PROXY: 'auth.example.com' });
  const { stderr } = await token({ POSTERN_SERVER: `http://localhost:${await freePort()}`, HTTP_PROXY: proxy.url });
  expect(stderr).toContain('nothing is listening there');
  expect(proxy.targets.slice(before)).toEqual([]);
});

test.each([
  ['HTTPS_PROXY', 'socks5://user:hidden@127.0.0.1', 'is not the http or https URL of a proxy'],
  ['POSTERN_CA_FILE', '/no/such/file', 'cannot read /no/such/file'],
  ['POSTERN_CA_FILE', import.meta.filename, 'holds no certificate in PEM'],
])('%s=%s is refused with one line, by every verb', async (name, value, fault) => {
  for (const args of [['token'], ['serve']]) {
    const { code, stderr } = await run(args, { ...env, POSTERN_DATA_DIR: join(directory, 'data'), [name]: value });
    expect(code, args[0]).not.toBe(0);
    expect(stderr).toMatch(new RegExp(`^postern: ${name}: `));
    expect(stderr).toContain(fault);
    expect(stderr).not.toContain('hidden');
  }
});
