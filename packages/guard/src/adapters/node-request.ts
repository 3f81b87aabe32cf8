/** What a guard looks at in a request of `node:http`. RFC 9110 §5.3. */
import type { IncomingMessage } from 'node:http';
import type { GuardedRequest } from '../guard.ts';

/** `path` is that of the request as the caller sent it. The certificate is looked for only where it is needed. */
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
    // Two headers of that name arrive as one text with a comma, which no proof is.
    dpop: typeof dpop === 'string' ? dpop : undefined,
    get certificateThumbprint() {
      return findThumbprint(request);
    },
  };
}

/** Node keeps the first of several and drops the others; which one counts must not depend on who reads it. */
function readAuthorization({ headers, rawHeaders }: IncomingMessage): string | undefined {
  const all = rawHeaders.filter((_, i) => i % 2 === 1 && isAuthorization(rawHeaders[i - 1] as string));
  return all.length > 1 ? all.join(', ') : headers.authorization;
}

function isAuthorization(name: string): boolean {
  return name.length === 13 && name.toLowerCase() === 'authorization';
}
