/** The schemas of the routes, from which the API documentation is generated. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PolicyServer, startPolicyServer } from './policy-server.ts';

let server: PolicyServer;
beforeAll(async () => {
  server = await startPolicyServer();
});
afterAll(() => server.close());

test('every route documents its tag, name, summary, parameters and responses', () => {
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

test('every route has its own name, which only PUT and PATCH of one path share', () => {
  const names = server.routes.map(({ method, schema }) => `${method} ${schema?.operationId}`);
  expect(new Set(names).size).toBe(server.routes.length);
});

test('bulk writes document their elements, although the schema validates the array only', () => {
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
