/** Guard as Hono middleware, on any platform that Hono runs on. RFC 6750, RFC 9728 §3.1. */
import { OAuthError } from '@postern/protocol';
import type { Context, MiddlewareHandler } from 'hono';
import type { AccessToken } from '../access-token.ts';
import type { ApiGuard } from '../api-guard.ts';
import type { Guard } from '../guard.ts';
import { toRefusal } from '../refusal.ts';
import { metadataAnswer } from '../resource-metadata.ts';

/** What guarded handlers find in their context: `c.get('accessToken')`. */
export interface GuardedEnv {
  Variables: { accessToken: AccessToken };
}

export interface ProtectOptions {
  /**
   * `certificateThumbprint` of the client certificate of a request; where that is depends on the platform. Default:
   * there is none, and tokens that are bound to a certificate are refused.
   */
  readonly findThumbprint?: (context: Context) => string | undefined;
}

/**
 * Makes middleware that lets a request pass if its token may do what `scope` names: one scope, or several with spaces
 * between them. It answers the others.
 */
export function protect(
  guard: Guard,
  { findThumbprint = () => undefined }: ProtectOptions = {},
): (scope: string) => MiddlewareHandler<GuardedEnv> {
  return (scope) => async (context, next) => {
    const { req } = context;
    try {
      const token = await guard.authorize(
        {
          method: req.method,
          path: pathOf(req.url),
          // Two headers of one name arrive as one text with a comma, which is neither a token nor a proof.
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
      const { status, headers, body } = toRefusal(error);
      return new Response(body, { status, headers });
    }
    await next();
    return;
  };
}

/** Serves the metadata of the API. For the app itself, not for one below a path. */
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

/** The path of a URL with its query, as it stands there. */
function pathOf(url: string): string {
  return url.slice(url.indexOf('/', url.indexOf('//') + 2));
}
