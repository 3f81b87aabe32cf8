/** Guard as Express middleware, versions 4 and 5. RFC 6750, RFC 9728 §3.1. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { OAuthError } from '@postern/protocol';
import type { ApiGuard } from '../api-guard.ts';
import type { Guard } from '../guard.ts';
import { toRefusal } from '../refusal.ts';
import { rememberToken } from './guarded-requests.ts';
import { answerMetadata, type ProtectOptions } from './node.ts';
import { toGuardedRequest } from './node-request.ts';
import { createThumbprintFinder } from './presented-certificate.ts';

export { accessTokenOf } from './guarded-requests.ts';

/** What this needs of a request of Express: the path as the caller sent it, which routers shorten in `url`. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl: string;
}

export type Middleware = (request: ExpressRequest, response: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * Makes middleware that lets a request pass if its token may do what `scope` names: one scope, or several with spaces
 * between them. It answers the others. Put it before what reads bodies.
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
        const { status, headers, body } = toRefusal(error);
        response.writeHead(status, headers).end(body);
      },
    );
  };
}

/** Serves the metadata of the API. For the app itself, not for a router below a path. */
export function resourceMetadata(guard: ApiGuard): Middleware {
  return (request, response, next) => {
    if (!answerMetadata(guard, request, response)) {
      next();
    }
  };
}
