/** Which methods a path answers, so that a caller with a wrong one is told so. RFC 9110 §15.5.6. */
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyInstance {
    /** The methods that a path (without its query) answers; none where nothing is served there. */
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

/** Fastify's `:name` stands for one segment of a path, its `*` for the rest. */
function toPattern(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment.startsWith(':')) {
      return '[^/]+';
    }
    return segment === '*' ? '.*' : RegExp.escape(segment);
  });
  return new RegExp(`^${segments.join('/')}$`);
}
