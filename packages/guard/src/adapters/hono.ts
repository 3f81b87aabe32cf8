/** Guard as Hono middleware, on any platform that Hono runs on. RFC 6750, RFC 9728 §3.1. */
import { OAuthError } from '@postern/protocol';
import type { Context, MiddlewareHandler } from 'hono';
import type { AccessToken } from '../access-token.ts';
import type { ApiGuard } from '../api-guard.ts';
import { toErrorAnswer } from '../error-answer.ts';
import type { Guard } from '../guard.ts';
import { metadataAnswer } from '../resource-metadata.ts';
import { pathOf } from './request-path.ts';
import { workerThumbprint } from './worker-thumbprint.ts';

/** The variables of guarded handlers: `c.get('accessToken')`. */
export interface GuardedEnv {
  Variables: { accessToken: AccessToken };
}

export interface ProtectOptions {
  /**
   * Returns `certificateThumbprint` of the client certificate of a request; where to find it depends on the platform.
   * Default: what Cloudflare says of it, and undefined elsewhere, so that tokens that are bound to a certificate are rejected.
   */
  readonly findThumbprint?: (context: Context) => string | undefined;
}

/**
 * Creates middleware that requires a token with `scope`: one scope, or several separated by spaces. It answers requests
 * without such a token itself.
 */
export function protect(
  guard: Guard & Partial<Pick<ApiGuard, 'refresh'>>,
  { findThumbprint = ({ req }) => workerThumbprint(req.raw) }: ProtectOptions = {},
): (scope: string) => MiddlewareHandler<GuardedEnv> {
  return (scope) => async (context, next) => {
    const { req } = context;
    try {
      await guard.refresh?.((work) => context.executionCtx.waitUntil(work));
      const token = await guard.authorize(
        {
          method: req.method,
          path: pathOf(req.url),
          // Repeated headers are joined with a comma, which makes neither a valid token nor a valid proof.
          authorization: req.header('authorization'),
          dpop: req.header('dpop'),
          get certificateThumbprint() {
            return findThumbprint(context);
          },
        },
        scope,
      );
      context.set('accessToken', token);
    } catch (error) {
      if (!(error instanceof OAuthError)) {
        throw error;
      }
      const { status, headers, body } = toErrorAnswer(error);
      return new Response(body, { status, headers });
    }
    await next();
    return;
  };
}

/** Serves the metadata of the API. Use it on the app itself, not on one below a path. */
export function resourceMetadata(guard: ApiGuard): MiddlewareHandler {
  return async ({ req }, next) => {
    const found = metadataAnswer(guard.resourceMetadata, req.method, pathOf(req.url));
    if (found !== undefined) {
      return new Response(req.method === 'HEAD' ? null : found.body, found);
    }
    await next();
    return;
  };
}
