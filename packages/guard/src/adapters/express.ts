/** Guard as Express middleware, versions 4 and 5. RFC 6750, RFC 9728 §3.1. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { OAuthError } from '@postern/protocol';
import type { ApiGuard } from '../api-guard.ts';
import { toErrorAnswer } from '../error-answer.ts';
import type { Guard } from '../guard.ts';
import { rememberToken } from './guarded-requests.ts';
import { answerMetadata, type ProtectOptions } from './node.ts';
import { toGuardedRequest } from './node-request.ts';
import { createThumbprintFinder } from './presented-certificate.ts';

export { accessTokenOf } from './guarded-requests.ts';

/** A request of Express, with the path as the caller sent it; routers shorten it in `url`. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl: string;
}

export type Middleware = (request: ExpressRequest, response: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * Creates middleware that requires a token with `scope`: one scope, or several separated by spaces. It answers requests
 * without such a token itself. Use it before middleware that reads bodies.
 */
export function protect(guard: Guard, { proxies }: ProtectOptions = {}): (scope: string) => Middleware {
  const findThumbprint = createThumbprintFinder(proxies);
  return (scope) => (request, response, next) => {
    guard.authorize(toGuardedRequest(request, request.originalUrl, findThumbprint), scope).then(
      (token) => {
        rememberToken(request, token);
        next();
      },
      (error: unknown) => {
        if (!(error instanceof OAuthError)) {
          next(error);
          return;
        }
        const { status, headers, body } = toErrorAnswer(error);
        response.writeHead(status, headers).end(body);
      },
    );
  };
}

/** Serves the metadata of the API. Use it on the app itself, not on a router below a path. */
export function resourceMetadata(guard: ApiGuard): Middleware {
  return (request, response, next) => {
    if (!answerMetadata(guard, request, response)) {
      next();
    }
  };
}
