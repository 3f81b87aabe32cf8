/** Guard for plain `node:http`, and what the adapters of frameworks on it share. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { OAuthError } from '@postern/protocol';
import type { AccessToken } from '../access-token.ts';
import type { ApiGuard } from '../api-guard.ts';
import type { Guard } from '../guard.ts';
import { type Answer, toRefusal } from '../refusal.ts';
import { metadataAnswer } from '../resource-metadata.ts';
import { toGuardedRequest } from './node-request.ts';
import { createThumbprintFinder, type TrustedProxies } from './presented-certificate.ts';

export {
  createCertificateFinder,
  type FindCertificate,
  type PresentedCertificate,
  type TrustedProxies,
} from './presented-certificate.ts';

export interface ProtectOptions {
  /** Proxies that end TLS in front. Default: none; certificates are those of the connection. */
  readonly proxies?: TrustedProxies;
}

/**
 * The token of a request if it may do what `scope` names: one scope, or several with spaces between them. Undefined
 * where it may not; it is answered then.
 */
export type Authorize = (
  request: IncomingMessage,
  response: ServerResponse,
  scope: string,
) => Promise<AccessToken | undefined>;

export function protect(guard: Guard, { proxies }: ProtectOptions = {}): Authorize {
  const findThumbprint = createThumbprintFinder(proxies);
  return async (request, response, scope) => {
    try {
      return await guard.authorize(toGuardedRequest(request, request.url ?? '', findThumbprint), scope);
    } catch (error) {
      if (!(error instanceof OAuthError)) {
        throw error;
      }
      answer(response, toRefusal(error));
      return undefined;
    }
  };
}

/** Answers a request for the metadata of the API; false where it is for something else. RFC 9728 §3.1. */
export function answerMetadata(guard: ApiGuard, request: IncomingMessage, response: ServerResponse): boolean {
  const found = metadataAnswer(guard.resourceMetadata, request.method, request.url ?? '');
  if (found === undefined) {
    return false;
  }
  answer(response, found);
  return true;
}

function answer(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers).end(body);
}
