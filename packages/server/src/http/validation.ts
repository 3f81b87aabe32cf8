/** Checks requests against their schemas, and says in words what is wrong. */
import { OAuthError } from '@postern/protocol';
import { Ajv, type ErrorObject, type Options } from 'ajv';
import type { FastifyInstance } from 'fastify';

const options: Options = { useDefaults: true, removeAdditional: false, allowUnionTypes: true };

/** A body means what it says: "5" is not 5. */
const bodyAjv = new Ajv(options);

/** All that a URL holds is text. */
const urlAjv = new Ajv({ ...options, coerceTypes: true });

/** Installs the checks on `app` and everything below it. A failed one is `invalid_parameter`, 422. */
export function useValidation(app: FastifyInstance): void {
  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? bodyAjv : urlAjv).compile(schema as object),
  );
  app.setSchemaErrorFormatter(
    (errors, part) => new OAuthError('invalid_parameter', describe(errors[0] as ErrorObject, part)),
  );
}

function describe(error: ErrorObject, part: string): string {
  const steps = error.instancePath.split('/').slice(1);
  const field = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${unescapePointer(step)}`)).join('');
  const where = field === '' ? `The ${part === 'body' ? 'body' : 'URL'}` : field.replace(/^\./, '');
  switch (error.keyword) {
    case 'additionalProperties':
      return `${where}: ${error.params['additionalProperty']} is not a known member.`;
    case 'enum':
      return `${where}: must be one of ${error.params['allowedValues'].join(', ')}.`;
    case 'pattern':
      return `${where}: holds characters that are not allowed.`;
    default:
      return `${where}: ${error.message}.`;
  }
}

function unescapePointer(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}
