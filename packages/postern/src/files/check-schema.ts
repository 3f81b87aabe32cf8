/** Checks the content of a file against its JSON Schema, and describes what does not match. */
import type { TLocalizedValidationError } from 'typebox/error';
import { Compile, type Validator } from 'typebox/schema';
import type { Step } from './kinds/file-kind.ts';

export interface SchemaFault {
  readonly path: readonly Step[];
  readonly text: string;
}

/** Returns a function that finds what does not match the schema. */
export function createSchemaCheck(schema: object): (value: unknown) => readonly SchemaFault[] {
  const validator = Compile(schema);
  return (value) => findFaults(validator, value);
}

function findFaults(validator: Validator, value: unknown): readonly SchemaFault[] {
  const [isValid, errors] = validator.Errors(value);
  if (isValid) {
    return [];
  }
  const faults = errors.flatMap(describe);
  // If a value may be one of several types, faults inside the type that it has say more than those about the other types.
  const outermost = faults.filter(
    ({ isType, path }) => !isType || !faults.some((other) => other.path.length > path.length && isWithin(other, path)),
  );
  const seen = new Set<string>();
  return outermost.flatMap(({ path, text, isType }) => {
    const key = JSON.stringify(path);
    if (seen.has(key)) {
      return [];
    }
    seen.add(key);
    const types = outermost.flatMap((other) => (other.isType && JSON.stringify(other.path) === key ? other.text : []));
    return [{ path, text: isType ? `must be ${[...new Set(types)].join(' or ')}` : text }];
  });
}

interface DescribedError extends SchemaFault {
  /** Whether the text is only the name of a type. */
  readonly isType: boolean;
}

/** Leaves out errors that only sum up others. */
function describe(error: TLocalizedValidationError): DescribedError[] {
  const path = stepsOf(error.instancePath);
  const fault = (text: string, at: readonly Step[] = path) => ({ path: at, text, isType: false });
  switch (error.keyword) {
    case 'anyOf':
    case 'boolean':
      return [];
    case 'type': {
      const types = [error.params.type].flat().filter((type) => type !== 'null');
      return types.map((type) => ({ path, text: String(type), isType: true }));
    }
    case 'additionalProperties':
      return error.params.additionalProperties.map((name) =>
        fault('is not a known member', [...path, name.slice(0, 100)]),
      );
    case 'required':
      return [fault(`needs ${error.params.requiredProperties.join(' and ')}`)];
    case 'enum':
      return [fault(`must be one of ${error.params.allowedValues.join(', ')}`)];
    case 'pattern':
      return [fault('has characters that are not allowed')];
    default:
      return [fault(error.message)];
  }
}

function isWithin({ path }: SchemaFault, around: readonly Step[]): boolean {
  return around.every((step, index) => path[index] === step);
}

/** Returns the steps of a JSON Pointer. RFC 6901 §4. */
function stepsOf(pointer: string): Step[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~')));
}
