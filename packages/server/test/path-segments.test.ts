/** RFC 3986 §5.2.4: whatever has an id of a caller's choice can be reached by it, read and deleted. */
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let server: TestServer;
let root: string;

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
});
afterAll(() => server.close());

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, `/api/v1/oauth${path}`, { token: root, body });

let count = 0;
const unique = () => {
  count += 1;
  return `https://segment-${count}.example.com`;
};

/** The ways to create something with an id of one's choice. */
const creations: Readonly<Record<string, (id: string) => Promise<{ status: number }>>> = {
  scope: (name) => call('PUT', '/scope', { name, description: 'x' }),
  resource: (key) => call('PUT', '/resource', { key, identifier: unique(), scopes: [] }),
  issuer: (key) => call('PUT', '/issuer', { key, issuer: unique(), rules: [] }),
  client: (client_id) => call('POST', '/client', { client_id }),
  'client-policy': (name) => call('PUT', '/client-policy', { name }),
  'authorization-details-type': (type) =>
    call('PUT', '/authorization-details-type', { type, schema: { type: 'object' } }),
};

describe.each(Object.entries(creations))('%s', (kind, create) => {
  test.each(['.', '..'])('cannot have the id %s, which no URL can have', async (id) => {
    expect((await create(id)).status).toBe(422);
  });

  test.each([
    '...',
    '.a',
    'a.',
    'a/b',
    '../a',
    'a/..',
    './a',
    '%2e',
    '%2E%2E',
    'a?b',
    'a#b',
    'a;b',
    'a%2Fb',
    '/',
    'x:y',
    'é',
  ])('with the id %s is refused, or can be read and deleted', async (id) => {
    const { status } = await create(id);
    expect([200, 422]).toContain(status);
    if (status === 200) {
      const path = `/${kind}/${encodeURIComponent(id)}`;
      expect((await call('GET', path)).status).toBe(200);
      expect((await call('DELETE', path)).status).toBe(204);
      expect((await call('GET', path)).status).toBe(404);
    }
  });
});
