/** Reads what a guard needs from a request of `node:http`. RFC 9110 §5.3. */
import type { IncomingMessage } from 'node:http';
import type { GuardedRequest } from '../guard.ts';

/** `path` is the path as the caller sent it. The certificate is only read if the token is bound to one. */
export function toGuardedRequest(
  request: IncomingMessage,
  path: string,
  findThumbprint: (request: IncomingMessage) => string | undefined,
): GuardedRequest {
  const { dpop } = request.headers;
  return {
    method: request.method ?? '',
    path,
    authorization: readAuthorization(request),
    // Repeated headers are joined with a comma, which makes no valid proof.
    dpop: typeof dpop === 'string' ? dpop : undefined,
    get certificateThumbprint() {
      return findThumbprint(request);
    },
  };
}

/** Joins repeated headers, of which Node keeps only the first, so that a request with two tokens is rejected. */
function readAuthorization({ headers, rawHeaders }: IncomingMessage): string | undefined {
  const all = rawHeaders.filter((_, i) => i % 2 === 1 && isAuthorization(rawHeaders[i - 1] as string));
  return all.length > 1 ? all.join(', ') : headers.authorization;
}

function isAuthorization(name: string): boolean {
  return name.length === 13 && name.toLowerCase() === 'authorization';
}
