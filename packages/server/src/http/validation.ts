/** Requests and answers by their schemas, and in words what is wrong with a request. */
import { OAuthError } from '@postern/protocol';
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import fastJsonStringify, { type Schema } from 'fast-json-stringify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const options: Options = { useDefaults: true, removeAdditional: false, allowUnionTypes: true };

/** A body means what it says: "5" is not 5. */
const bodyAjv = new Ajv(options);

/** All that a URL holds is text. */
const urlAjv = new Ajv({ ...options, coerceTypes: true });

/**
 * Installs the checks of requests, and the writing of answers, by the schemas of the routes of `app` and everything
 * below it. A failed check is `invalid_parameter`, 422. Each schema is compiled when it is first needed: all of them
 * at the start would take a fifth of it, and most routes are never called.
 */
export function useSchemas(app: FastifyInstance): void {
  app.setValidatorCompiler(({ schema, httpPart }) => {
    let compiled: ValidateFunction | undefined;
    const validate = (data: unknown): boolean => {
      compiled ??= (httpPart === 'body' ? bodyAjv : urlAjv).compile(schema as object);
      const isValid = compiled(data);
      validate.errors = compiled.errors ?? null;
      return isValid;
    };
    validate.errors = null as ErrorObject[] | null;
    return validate;
  });
  app.setSerializerCompiler(({ schema }) => {
    let compiled: ((data: unknown) => string) | undefined;
    return (data: unknown) => {
      compiled ??= fastJsonStringify(schema as Schema);
      return compiled(data);
    };
  });
  app.setSchemaErrorFormatter(
    (errors, part) => new OAuthError('invalid_parameter', describeFault(errors as ErrorObject[], part)),
  );
  app.addHook('onRoute', (route) => {
    if (/[:*]/.test(route.url)) {
      route.preHandler = [refuseNul, route.preHandler ?? []].flat();
    }
  });
}

/** No database could be asked for it: PostgreSQL takes no text with a NUL. */
function refuseNul(request: FastifyRequest, _reply: FastifyReply, done: (error?: OAuthError) => void): void {
  const hasNul = Object.values(request.params as Record<string, string>).some((id) => id.includes('\0'));
  done(hasNul ? new OAuthError('not_found', 'There is nothing with a NUL in its id.') : undefined);
}

/** The first error; where it is about one of several values that would do, with all of them. */
export function describeFault(errors: readonly ErrorObject[], part: string): string {
  const error = errors[0] as ErrorObject;
  const steps = error.instancePath.split('/').slice(1);
  const field = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${unescapePointer(step)}`)).join('');
  const where = field === '' ? `The ${part === 'body' ? 'body' : 'URL'}` : field.replace(/^\./, '');
  switch (error.keyword) {
    case 'additionalProperties': {
      const name = error.params['additionalProperty'].slice(0, 100);
      return `${where}: ${name} is not a known ${part === 'body' ? 'member' : 'parameter'}.`;
    }
    case 'const':
      return `${where}: must be ${allowedValues(errors).join(' or ')}.`;
    case 'enum':
      return `${where}: must be one of ${error.params['allowedValues'].join(', ')}.`;
    case 'pattern':
      return `${where}: holds characters that are not allowed.`;
    default:
      return `${where}: ${error.message}.`;
  }
}

function allowedValues(errors: readonly ErrorObject[]): unknown[] {
  return errors.filter(({ keyword }) => keyword === 'const').map(({ params }) => params['allowedValue']);
}

function unescapePointer(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}
