/** Bodies in JSON. */
import { isUtf8 } from 'node:buffer';
import { OAuthError } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';

/** JSON bodies only; an empty one counts as an empty object. `__proto__` and `constructor.prototype` are refused. */
export function useJson(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) {
      done(null, {});
    } else {
      parseJson(request, decodeBody(body as Buffer), done);
    }
  });
}

/** Throws `invalid_request` for bytes that are not UTF-8, rather than to read them as something else. */
export function decodeBody(body: Buffer): string {
  if (!isUtf8(body)) {
    throw new OAuthError('invalid_request', 'The body is not UTF-8.');
  }
  return body.toString('utf8');
}
