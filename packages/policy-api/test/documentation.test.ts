/** What the routes say of themselves, from which the API documentation is made. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PolicyServer, startPolicyServer } from './policy-server.ts';

let server: PolicyServer;
beforeAll(async () => {
  server = await startPolicyServer();
});
afterAll(() => server.close());

test('every route has its tag, a name, a summary, its parameters and its answers', () => {
  for (const { method, url, schema } of server.routes) {
    expect(schema).toMatchObject({
      tags: ['Policy'],
      operationId: expect.stringMatching(/^[a-z]+(_[a-z]+)+$/),
      summary: expect.stringMatching(/^[A-Z][a-z]/),
      response: {
        [method === 'DELETE' ? 204 : 200]: expect.anything(),
        401: expect.anything(),
        403: expect.anything(),
      },
    });
    const parameters = [...url.matchAll(/:(\w+)/g)].map(([, name]) => name);
    const documented = (schema?.params ?? { properties: {} }) as { properties: object };
    expect(Object.keys(documented.properties)).toEqual(parameters);
  }
});

test('the name of a route is its own but for PUT and PATCH of the same', () => {
  const names = server.routes.map(({ method, schema }) => `${method} ${schema?.operationId}`);
  expect(new Set(names).size).toBe(server.routes.length);
});

test('bulk writes document their elements, although the server checks the array only', () => {
  const bulk = server.routes.filter(({ method }) => method === 'PUT' || method === 'PATCH');
  expect(bulk).toHaveLength(8);
  for (const { schema } of bulk) {
    expect(schema?.body).toMatchObject({
      type: 'array',
      maxItems: 50,
      items: { type: 'object', properties: { key: expect.anything() }, additionalProperties: false },
    });
  }
});
