/** Parses request bodies: JSON or a form, in UTF-8. */
import { isUtf8 } from 'node:buffer';
import { OAuthError } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';

/** Accepts JSON bodies only. An empty body counts as an empty object; `__proto__` and `constructor.prototype` are errors. */
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

/** The largest form, in bytes. */
const formLimit = 65_536;

/** Accepts forms only, as text that each endpoint parses: the schema of a form is for the documentation. */
export function useForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: formLimit },
    (_request, body, done) => done(null, decodeBody(body as Buffer)),
  );
  // Fastify calls no parser for a request that has neither a body nor a Content-Type.
  app.addHook('preValidation', (request, _reply, done) => {
    request.body ??= '';
    done();
  });
  app.setValidatorCompiler(() => () => true);
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, oauthErrors: true, identifiesClient: true };
  });
}

/** Throws `invalid_request` if the bytes are not UTF-8. */
function decodeBody(body: Buffer): string {
  if (!isUtf8(body)) {
    throw new OAuthError('invalid_request', 'The body is not UTF-8.');
  }
  return body.toString('utf8');
}
