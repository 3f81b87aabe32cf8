/** Describes in words what a schema found wrong with a value. */
import { showName } from '@postern/protocol';
import type { SchemaErrorDataVar } from 'fastify/types/schema.js';
import type { TLocalizedValidationError } from 'typebox/error';
import { visiblePattern } from './schemas.ts';

/**
 * Returns one sentence about the first error, which names the member at fault. If it is about one of several values that
 * would do, it lists them all. It quotes no value that was sent, and of the names of members only those that read like names.
 * `base` is the name of the whole value, if it has one.
 */
export function describeFault(
  errors: readonly TLocalizedValidationError[],
  part: SchemaErrorDataVar | 'element',
  base = '',
): string {
  const error = errors[0] as TLocalizedValidationError;
  const whole = part === 'body' || part === 'element' ? part : 'URL';
  const field = (pointer: string) => nameField(base, pointer) || `The ${whole}`;
  const where = field(error.instancePath);
  switch (error.keyword) {
    case 'boolean':
      // The schema `false` stands for every member that is not known.
      return `${where}: is not a known ${whole === 'URL' ? 'parameter' : 'member'}.`;
    case 'required':
      return `${field(`${error.instancePath}/${error.params.requiredProperties[0]}`)}: is required.`;
    case 'const':
      return `${where}: must be ${allowedValues(errors).join(' or ')}.`;
    case 'enum':
      return `${where}: must be one of ${error.params.allowedValues.join(', ')}.`;
    case 'pattern':
      if (error.params.pattern === visiblePattern) {
        return `${where}: must not be blank, and must not contain control characters.`;
      }
      // The patterns of our own schemas say less than this does.
      return base !== '' ? `${where}: ${error.message}.` : `${where}: contains characters that are not allowed.`;
    case 'minLength':
    case 'minItems':
      return error.params.limit === 1 ? `${where}: must not be empty.` : `${where}: ${error.message}.`;
    default:
      return `${where}: ${error.message}.`;
  }
}

function allowedValues(errors: readonly TLocalizedValidationError[]): unknown[] {
  return errors.flatMap((error) => (error.keyword === 'const' ? error.params.allowedValue : []));
}

/** The JSON pointer of RFC 6901 as `scopes[0].name`. */
function nameField(base: string, pointer: string): string {
  const steps = pointer.split('/').slice(1);
  const text = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${showMember(step)}`));
  return `${base}${text.join('')}`.replace(/^\./, '');
}

function showMember(step: string): string {
  return showName(step.replaceAll('~1', '/').replaceAll('~0', '~'));
}
