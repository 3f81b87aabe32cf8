/** Which methods a path supports, for the answer to any other method. RFC 9110 §15.5.6. */
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyInstance {
    /** The methods that a path (without its query) supports; none if the path does not exist. */
    methodsOf(path: string): ReadonlySet<string>;
  }
}

/** Decorates `app` with `methodsOf`, which knows the routes that are registered from here on. */
export function recordRoutes(app: FastifyInstance): void {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    routes.push({ pattern: toPattern(url), methods: [method].flat() });
  });
  app.decorate('methodsOf', (path) => {
    const matching = routes.filter(({ pattern }) => pattern.test(path));
    return new Set(matching.flatMap(({ methods }) => methods));
  });
}

/** In a URL of Fastify, `:name` matches one segment and `*` the rest. */
function toPattern(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment.startsWith(':')) {
      return '[^/]+';
    }
    return segment === '*' ? '.*' : RegExp.escape(segment);
  });
  return new RegExp(`^${segments.join('/')}$`);
}
