/** The one error handler: it turns whatever was thrown into an answer for the caller and a log line for the operator. */
import { challengeFor, OAuthError, operatorLineOf } from '@postern/protocol';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { describeForLog, findOutage, isUnstorableText } from '../db/outage.ts';

/** Seconds after which a caller may retry a request that failed for now. */
const retryAfterSeconds = 5;

/** The error handler of Fastify, for every route and for requests that fail before a route is found. */
export function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const oauthErrors = request.routeOptions?.config?.oauthErrors === true;
  const error = toOAuthError(thrown, oauthErrors);
  request.refusal = error;
  if (error.reason === 'overloaded' || error.reason === 'stopping') {
    request.log.debug({ reason: error.reason }, 'request not served');
  } else if (error.status >= 500) {
    // What we throw ourselves says what happened; of anything else the stack is needed.
    const fields =
      thrown === error
        ? describe(error)
        : { ...describeForLog(thrown), code: error.code, advice: operatorLineOf(error) };
    request.log.error(fields, 'request failed');
  } else {
    request.log.info(describe(error), 'request refused');
  }
  const challenge = challengeFor(error);
  if (challenge !== undefined) {
    reply.header('www-authenticate', challenge);
  }
  if (error.dpopNonce !== undefined) {
    reply.header('dpop-nonce', error.dpopNonce);
  }
  const retryAfter =
    error.retryAfterSeconds ?? (error.code === 'temporarily_unavailable' ? retryAfterSeconds : undefined);
  if (retryAfter !== undefined) {
    reply.header('retry-after', String(retryAfter));
  }
  reply
    .code(error.status)
    .header('cache-control', 'no-store')
    .type('application/json')
    .send(
      oauthErrors
        ? { error: error.code, error_description: error.message, detail: error.message }
        : { error: error.code, detail: error.message },
    );
}

/** An error for the log of the operator. */
function describe(error: OAuthError) {
  const { code, reason, message: detail, cause } = error;
  const text = cause instanceof Error ? cause.message : undefined;
  return { code, reason, detail, cause: text, advice: operatorLineOf(error) };
}

/** Answers a request whose path does not exist, or does not support the method. */
export function answerNotFound(request: FastifyRequest, reply: FastifyReply): void {
  const { methods, shown } = request.server.describePath(pathOf(request.url));
  const allow = [...methods].join(', ');
  // A route that serves a directory matches the paths of files that do not exist.
  if (methods.size === 0 || methods.has(request.method)) {
    const text = `Not found: ${request.method} ${shown}. See /api.`;
    answerError(new OAuthError('not_found', text), request, reply);
  } else {
    reply.header('allow', allow);
    const text = `${shown} does not support ${request.method}, only ${allow}.`;
    answerError(new OAuthError('method_not_allowed', text), request, reply);
  }
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** Translates whatever was thrown. The result discloses nothing internal to the caller. */
export function toOAuthError(thrown: unknown, oauthErrors: boolean): OAuthError {
  if (thrown instanceof OAuthError) {
    return thrown;
  }
  const { code, statusCode = 500 } = thrown as Partial<FastifyError>;
  const outage = findOutage(thrown);
  switch (code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      // RFC 6749 §5.2 has no error code for media types: a request that is not a form is an invalid one.
      return oauthErrors
        ? new OAuthError('invalid_request', 'The body must be application/x-www-form-urlencoded.')
        : new OAuthError('unsupported_media_type', 'The body must be application/json.');
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new OAuthError('content_too_large', 'The body is too large.');
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new OAuthError(
        'invalid_request',
        'The body is not valid JSON, or it has a member named __proto__ or constructor.prototype.',
      );
    case 'FST_ERR_BAD_URL':
      return new OAuthError('invalid_request', 'The URL is not percent-encoded UTF-8.');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new OAuthError('not_found', 'Not found: the id is too long.');
    default:
      // Other errors that Fastify finds in a request, such as a body that ends too early.
      if (statusCode < 500) {
        return new OAuthError('invalid_request', 'The request cannot be read.', { cause: thrown });
      }
      if (isUnstorableText(thrown)) {
        return new OAuthError('invalid_request', 'The request has a NUL character, which no text may have here.');
      }
      if (outage !== undefined) {
        return new OAuthError('temporarily_unavailable', `The database is unavailable: ${outage.text}; retry later.`, {
          reason: 'database_unavailable',
          cause: thrown,
        });
      }
      return new OAuthError('server_error', 'Internal error. The log has the details under the X-Request-Id.', {
        cause: thrown,
      });
  }
}
