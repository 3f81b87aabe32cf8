/** Parses request bodies: JSON or a form, in UTF-8. */
import { isUtf8 } from 'node:buffer';
import { OAuthError } from '@postern/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * Accepts JSON bodies only; `__proto__` and `constructor.prototype` are errors. An empty body counts as an empty object: of a
 * POST also without a Content-Type or with another one, which programs add on their own.
 */
export function useJson(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) {
      done(null, {});
    } else {
      parseJson(request, decodeBody(request, body as Buffer), done);
    }
  });
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.method === 'POST' && isEmpty(request)) {
      // Fastify would look for a parser.
      delete request.headers['content-type'];
    }
    done();
  });
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.method === 'POST' && request.body === undefined) {
      request.body = {};
    }
    done();
  });
}

/** RFC 9112 §6.3: a request with neither Content-Length nor Transfer-Encoding has no body. */
function isEmpty({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}

/** The largest form, in bytes. */
const formLimit = 65_536;

/**
 * Accepts forms only, as text that each endpoint parses: the schemas of a form and of its answer are for the documentation. An
 * endpoint answers with what it made itself, so nothing has to be left out, and JSON.stringify takes half the time.
 */
export function useForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: formLimit },
    (request, body, done) => done(null, decodeBody(request, body as Buffer)),
  );
  // Fastify calls no parser for a request without a body; the JSON API around takes it for an empty object.
  app.addHook('preValidation', (request, _reply, done) => {
    request.body = typeof request.body === 'string' ? request.body : '';
    done();
  });
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, oauthErrors: true, identifiesClient: true };
  });
}

/**
 * Throws `unsupported_media_type` for a body that is compressed (RFC 9110 §15.5.16), and `invalid_request` if the bytes are
 * not UTF-8.
 */
function decodeBody({ headers }: FastifyRequest, body: Buffer): string {
  const { 'content-encoding': coding = 'identity' } = headers;
  if (!/^(?:identity)?$/i.test(coding.trim())) {
    throw new OAuthError(
      'unsupported_media_type',
      'The body must not be compressed: send it without Content-Encoding.',
    );
  }
  if (!isUtf8(body)) {
    throw new OAuthError('invalid_request', 'The body is not UTF-8.');
  }
  return body.toString('utf8');
}
