/** Guard for plain `node:http`, and the parts that the adapters for Express and Fastify share. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { OAuthError } from '@postern/protocol';
import type { AccessToken } from '../access-token.ts';
import type { ApiGuard } from '../api-guard.ts';
import { type Answer, toErrorAnswer } from '../error-answer.ts';
import type { Guard } from '../guard.ts';
import { metadataAnswer } from '../resource-metadata.ts';
import { toGuardedRequest } from './node-request.ts';
import { createThumbprintFinder, type TrustedProxies } from './presented-certificate.ts';

export { parseCertificateHeader } from './certificate-header.ts';
export {
  createAddressCheck,
  createCertificateFinder,
  type FindCertificate,
  type PresentedCertificate,
  type TrustedProxies,
} from './presented-certificate.ts';

export interface ProtectOptions {
  /** Proxies that terminate TLS. Default: none, so that certificates come from the connection. */
  readonly proxies?: TrustedProxies;
}

/**
 * Returns the token of a request if it has `scope`: one scope, or several separated by spaces. Otherwise answers the
 * request and returns undefined.
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
      answer(response, toErrorAnswer(error));
      return undefined;
    }
  };
}

/** Answers a request for the metadata of the API; returns false for any other request. RFC 9728 §3.1. */
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
