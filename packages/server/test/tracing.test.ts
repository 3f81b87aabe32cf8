/** Traces of requests, as a collector gets them. W3C Trace Context §3.2. */
import { createServer, type Server } from 'node:http';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly status: { readonly code?: number };
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}

/** Takes OTLP in JSON and keeps the spans. */
let collector: Server;
const spans: Span[] = [];
const bodies: string[] = [];
const paths = new Set<string | undefined>();
const services = new Set<unknown>();
let server: TestServer;

beforeAll(async () => {
  collector = createServer(async (request, response) => {
    paths.add(request.url);
    let text = '';
    for await (const chunk of request) {
      text += chunk;
    }
    bodies.push(text);
    for (const { resource, scopeSpans } of JSON.parse(text).resourceSpans) {
      const { value } = resource.attributes.find(({ key }: { key: string }) => key === 'service.name');
      services.add(value.stringValue);
      spans.push(...scopeSpans.flatMap((scope: { spans: Span[] }) => scope.spans));
    }
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((listening) => collector.listen(0, '127.0.0.1', listening));
  const address = collector.address();
  const port = typeof address === 'object' ? address?.port : 0;
  server = await startTestServer({ env: { POSTERN_OTLP_ENDPOINT: `http://127.0.0.1:${port}` } });
});
afterAll(() => new Promise((closed) => collector.close(closed)));

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parent = `00-${traceId}-b7ad6b7169203331-01`;
const unsampled = '00-11111111111111111111111111111111-b7ad6b7169203331-00';

const attributesOf = ({ attributes }: Span) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

test('each request is a span: of the trace that the caller names, or of its own', async () => {
  const form = {
    grant_type: 'client_credentials',
    client_id: server.root.clientId,
    client_secret: server.root.clientSecret,
  };
  await server.postForm('/api/v1/oauth/token', form, { traceparent: parent });
  await server.postForm('/api/v1/oauth/token', { ...form, client_secret: 'wrong' }, { traceparent: 'nonsense' });
  await server.postForm('/api/v1/oauth/token', form, { traceparent: unsampled });
  await server.call('GET', '/api/v1/oauth/client/some-client?query=secret', { token: await server.rootToken() });
  await server.call('GET', '/no/such/path');
  // What has not been sent yet is sent when the server stops.
  await server.close();

  expect([...paths]).toEqual(['/v1/traces']);
  expect([...services]).toEqual(['postern']);
  expect(spans.map(({ name, kind }) => [name, kind])).toEqual([
    ['POST /api/v1/oauth/token', 2],
    ['POST /api/v1/oauth/token', 2],
    ['POST /api/v1/oauth/token', 2],
    ['GET /api/v1/oauth/client/:client_id', 2],
    ['GET', 2],
  ]);
  const [first, refused, , missing, unserved] = spans as [Span, Span, Span, Span, Span];
  expect([first.traceId, first.parentSpanId]).toEqual([traceId, 'b7ad6b7169203331']);
  expect(refused.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(refused.parentSpanId ?? '').toBe('');
  expect(attributesOf(refused)).toEqual({
    'http.request.method': 'POST',
    'http.route': '/api/v1/oauth/token',
    'http.response.status_code': 401,
    'error.type': 'invalid_client',
  });
  expect(attributesOf(missing)['http.response.status_code']).toBe(404);
  expect(attributesOf(unserved)['http.route']).toBeUndefined();
  const sent = bodies.join('');
  for (const secret of [server.root.clientSecret, server.root.clientId, 'some-client', 'query', 'such']) {
    expect(sent).not.toContain(secret);
  }
});
