/** Guard for handlers of `Request` and `Response`: Workers, service workers, Deno, Bun. RFC 6750, RFC 9728 §3.1. */
import { OAuthError } from '@postern/protocol';
import type { AccessToken } from '../access-token.ts';
import type { ApiGuard } from '../api-guard.ts';
import { toErrorAnswer } from '../error-answer.ts';
import { metadataAnswer } from '../resource-metadata.ts';
import { pathOf } from './request-path.ts';
import { workerThumbprint } from './worker-thumbprint.ts';

/** The context of a request: `ctx` of Workers, the `FetchEvent` of service workers. */
export interface RequestContext {
  waitUntil(work: Promise<unknown>): void;
}

export interface ProtectOptions {
  /**
   * Returns `certificateThumbprint` of the client certificate of a request; where to find it depends on the platform.
   * Default: what Cloudflare says of it, and undefined elsewhere, so that tokens that are bound to a certificate are rejected.
   */
  readonly findThumbprint?: (request: Request) => string | undefined;
}

/**
 * Returns the token of a request if it has `scope`: one scope, or several separated by spaces. Otherwise returns the response
 * to answer with; a request for the metadata of the API is answered with these. `context` is required with `openCache`.
 */
export type Authorize = (request: Request, scope: string, context?: RequestContext) => Promise<AccessToken | Response>;

export function protect(guard: ApiGuard, { findThumbprint = workerThumbprint }: ProtectOptions = {}): Authorize {
  return async (request, scope, context) => {
    const path = pathOf(request.url);
    const metadata = metadataAnswer(guard.resourceMetadata, request.method, path);
    if (metadata !== undefined) {
      return new Response(request.method === 'HEAD' ? null : metadata.body, metadata);
    }
    if (guard.refresh !== undefined && context === undefined) {
      throw new TypeError(
        'context: is required by a guard with openCache, which refreshes what it knows within requests',
      );
    }
    try {
      await guard.refresh?.((work) => context?.waitUntil(work));
      return await guard.authorize(
        {
          method: request.method,
          path,
          // Repeated headers are joined with a comma, which makes neither a valid token nor a valid proof.
          authorization: request.headers.get('authorization') ?? undefined,
          dpop: request.headers.get('dpop') ?? undefined,
          get certificateThumbprint() {
            return findThumbprint(request);
          },
        },
        scope,
      );
    } catch (error) {
      if (!(error instanceof OAuthError)) {
        throw error;
      }
      const { status, headers, body } = toErrorAnswer(error);
      return new Response(body, { status, headers });
    }
  };
}
