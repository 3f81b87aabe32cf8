/** Which methods a path supports, and how an error shows it. RFC 9110 §15.5.6. */
import { showName } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyInstance {
    describePath(path: string): DescribedPath;
    /** Whether the first segment of the path of any route is this one. */
    hasRoutesBelow(segment: string): boolean;
  }
}

/** What is known about the path of a request, without its query. */
export interface DescribedPath {
  /** The methods that it supports; none if it does not exist. */
  readonly methods: ReadonlySet<string>;
  /** Its segments that a route has or that read like names. A caller may have put a secret into the others. */
  readonly shown: string;
}

/** Decorates `app` with `describePath` and `hasRoutesBelow`, which know the routes that are registered from here on. */
export function recordRoutes(app: FastifyInstance): void {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  const knownSegments = new Set<string>();
  const firstSegments = new Set<string>();
  app.addHook('onRoute', ({ url, method }) => {
    routes.push({ pattern: toPattern(url), methods: [method].flat() });
    const segments = url.split('/');
    for (const segment of segments) {
      knownSegments.add(segment);
    }
    firstSegments.add(segments[1] ?? '');
  });
  app.decorate('hasRoutesBelow', (segment) => firstSegments.has(segment));
  app.decorate('describePath', (path) => {
    const matching = routes.filter(({ pattern }) => pattern.test(path));
    const segments = path.split('/').map((segment) => (knownSegments.has(segment) ? segment : showName(segment)));
    return { methods: new Set(matching.flatMap(({ methods }) => methods)), shown: segments.join('/') };
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
