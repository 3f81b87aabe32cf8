/** Validates requests and serializes answers by the schemas of their routes. */
import { OAuthError } from '@postern/protocol';
import fastJsonStringify, { type Schema } from 'fast-json-stringify';
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchemaCompiler } from 'fastify';
import type { TObject, TSchema } from 'typebox';
import type { TLocalizedValidationError } from 'typebox/error';
import { Compile, type Validator } from 'typebox/schema';
import { describeFault } from './describe-fault.ts';

/**
 * Installs validation of requests and serialization of answers for the routes of `app` and everything below it. An
 * invalid request is answered with `invalid_parameter`, 422. Each schema is compiled when it is first needed: all of
 * them at the start would take a fifth of it, and most routes are never called.
 */
export function useSchemas(app: FastifyInstance): void {
  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(({ schema }) => {
    let serialize: ((data: unknown) => string) | undefined;
    return (data: unknown) => {
      serialize ??= once(serializers, schema as Schema, (known) => fastJsonStringify(known));
      return serialize(data);
    };
  });
  app.setSchemaErrorFormatter(
    (errors, part) =>
      new OAuthError('invalid_parameter', describeFault(errors as unknown as TLocalizedValidationError[], part)),
  );
  app.addHook('onRoute', (route) => {
    if (/[:*]/.test(route.url)) {
      // After the hooks of the whole app, which check the token, and before those of the route, which may read the database.
      route.onRequest = [refuseNul, route.onRequest ?? []].flat();
    }
  });
}

/** What was compiled of a schema, for every app that has it: each batch has an app of its own. */
const validators = new WeakMap<object, Validator>();
const serializers = new WeakMap<object, (data: unknown) => string>();

function once<S extends object, C>(known: WeakMap<object, C>, schema: S, compile: (schema: S) => C): C {
  const compiled = known.get(schema) ?? compile(schema);
  known.set(schema, compiled);
  return compiled;
}

/** PostgreSQL accepts no text with a NUL, so nothing can have such an id. */
function refuseNul(request: FastifyRequest, _reply: FastifyReply, done: (error?: OAuthError) => void): void {
  const hasNul = Object.values(request.params as Record<string, string>).some((id) => id.includes('\0'));
  done(hasNul ? new OAuthError('not_found', 'No id contains a NUL character.') : undefined);
}

/**
 * Validates a part of a request, and fills in the defaults of its members. A body means what it says, so "5" is not 5;
 * everything in a URL is text, so integers are read there.
 */
export const compileValidator: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) => {
  let validator: Validator | undefined;
  const members = Object.entries((schema as Partial<TObject>).properties ?? {}) as [string, Member][];
  const validate = (data: unknown): boolean => {
    validator ??= once(validators, schema as TSchema, (known) => Compile(known));
    if (typeof data === 'object' && data !== null) {
      fillIn(data as Record<string, unknown>, members, httpPart !== 'body');
    }
    const isValid = validator.Check(data);
    validate.errors = isValid ? [] : validator.Errors(data)[1];
    return isValid;
  };
  validate.errors = [] as TLocalizedValidationError[];
  return validate;
};

interface Member {
  readonly type?: string;
  readonly default?: unknown;
}

function fillIn(data: Record<string, unknown>, members: readonly [string, Member][], isUrl: boolean): void {
  for (const [name, member] of members) {
    const value = data[name];
    if (value === undefined && member.default !== undefined) {
      data[name] = member.default;
    } else if (isUrl && member.type === 'integer' && typeof value === 'string' && /^-?\d+$/.test(value)) {
      data[name] = Number(value);
    }
  }
}
