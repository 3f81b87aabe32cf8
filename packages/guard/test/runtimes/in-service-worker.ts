/** A service worker that runs the cases that it is sent, and guards `/invoices` by keys and revocations of its own origin. docs/guard-cases.md. */
import { protect, type RequestContext } from '../../src/adapters/fetch.ts';
import { createApiGuard, type OpenCache } from '../../src/index.ts';
import { runCatalogue } from './run-catalogue.ts';

interface ServiceWorker {
  addEventListener(type: 'fetch', listen: (event: FetchEvent) => void): void;
  addEventListener(type: 'message', listen: (event: CasesEvent) => void): void;
  addEventListener(type: 'activate', listen: (event: RequestContext) => void): void;
}

interface FetchEvent extends RequestContext {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

interface CasesEvent {
  readonly data: Parameters<typeof runCatalogue>[0];
  readonly ports: readonly { postMessage(message: unknown): void }[];
}

declare const self: ServiceWorker & { readonly clients: { claim(): Promise<void> } };
declare const caches: { readonly open: (name: string) => ReturnType<OpenCache> };
declare const location: URL;

const needs = protect(
  createApiGuard({
    issuer: location.origin,
    audience: 'https://api.example.com',
    revocations: {
      fetch: (url, init = {}) => fetch(url, { ...init, headers: { authorization: 'Bearer feed' } }),
    },
    openCache: () => caches.open('postern'),
  }),
);

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('message', ({ data, ports }) => {
  runCatalogue(data).then((report) => ports[0]?.postMessage(report));
});
self.addEventListener('fetch', (event) => {
  if (new URL(event.request.url).pathname === '/invoices') {
    event.respondWith(answer(event));
  }
});

async function answer(event: FetchEvent): Promise<Response> {
  const token = await needs(event.request, 'policy:read', event);
  return token instanceof Response ? token : Response.json({ jti: token.jti });
}
