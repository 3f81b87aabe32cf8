/**
 * The JSON Schema of a type of authorization details: which ones may be registered, and the check that they become.
 * RFC 9396 §2.1 and §12.
 *
 * A schema runs in the token endpoint on what callers send, so its cost is bounded when it is registered: it is one
 * tree of keywords that are known here, without references, and its patterns cannot hang.
 */
import { OAuthError } from '@postern/protocol';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { findBoundsFault, type JsonBounds } from './json-bounds.ts';
import { costOfPattern } from './pattern-cost.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** What is wrong with an element, to follow its name; undefined where nothing is. */
export type CheckElement = (element: unknown) => string | undefined;

/** One element. The token must stay below 16 kB, and there may be scopes in it too. */
export const elementBounds: JsonBounds = { bytes: 4_096, depth: 8, entries: 100, stringLength: 1_000 };

const schemaBounds: JsonBounds = { bytes: 16_384, depth: 20, entries: 200, stringLength: 2_000 };

/** Ways that all patterns of a schema together may have to try on the longest string. */
const highestPatternCost = 2_000_000;

const dialect = 'https://json-schema.org/draft/2020-12/schema';

type Kind = 'plain' | 'schema' | 'schemas' | 'schemasByName' | 'pattern';

/** References could multiply a small schema into an endless one, and `format` is not checked here: neither is in. */
const keywords: Readonly<Record<string, Kind>> = {
  ...asKind('plain', ['$schema', '$comment', 'title', 'description', 'default', 'examples']),
  ...asKind('plain', ['type', 'enum', 'const', 'required', 'minProperties', 'maxProperties']),
  ...asKind('plain', ['minLength', 'maxLength', 'minItems', 'maxItems', 'uniqueItems']),
  ...asKind('plain', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']),
  ...asKind('schema', ['additionalProperties', 'items', 'contains', 'not', 'if', 'then', 'else']),
  ...asKind('schemas', ['allOf', 'anyOf', 'oneOf', 'prefixItems']),
  ...asKind('schemasByName', ['properties']),
  ...asKind('pattern', ['pattern']),
};

/** The check that a schema becomes. Throws `invalid_parameter` where it is not JSON Schema or not allowed here. */
export function compileDetailsSchema(schema: JsonSchema): CheckElement {
  const fault = findBoundsFault(schema, schemaBounds);
  if (fault !== undefined) {
    throw wrong(`has ${fault}`);
  }
  if (schema['type'] !== 'object') {
    throw wrong("must have 'type': 'object', for that is what it describes");
  }
  if (schema['$schema'] !== undefined && schema['$schema'] !== dialect) {
    throw wrong(`is read as ${dialect}: name this one in $schema, or none`);
  }
  if (ajv.validateSchema(schema) !== true) {
    throw wrong(`is not JSON Schema: ${ajv.errorsText(ajv.errors, { dataVar: 'it' })}`);
  }
  if (costOf(schema) > highestPatternCost) {
    throw wrong('has patterns that could take too long: bound what they repeat, as in {1,20}');
  }
  const validate = compile(schema);
  return (element) => (validate(element) ? undefined : describe(validate.errors?.[0]));
}

/** The cost of all patterns in a valid schema. Throws for a keyword that is not allowed, wherever it stands. */
function costOf(schema: unknown): number {
  if (typeof schema !== 'object' || schema === null) {
    return 0;
  }
  return sum(
    Object.entries(schema).map(([keyword, value]) => {
      switch (Object.hasOwn(keywords, keyword) ? keywords[keyword] : undefined) {
        case 'plain':
          return 0;
        case 'schema':
          return costOf(value);
        case 'schemas':
        case 'schemasByName':
          return sum(Object.values(value as object).map(costOf));
        case 'pattern':
          return requireCost(String(value));
        default:
          throw wrong(
            `has the keyword ${keyword}, which is not among those allowed: ${Object.keys(keywords).join(' ')}`,
          );
      }
    }),
  );
}

function requireCost(pattern: string): number {
  const cost = costOfPattern(pattern, elementBounds.stringLength);
  if (cost === undefined) {
    throw wrong(
      `has the pattern ${pattern.slice(0, 60)}: only ^, characters and classes with or without a count, and $ are ` +
        'allowed, 200 characters at the most; no groups, alternatives or look-arounds',
    );
  }
  return cost;
}

/** Own properties only, or `required: [constructor]` would always be met. It logs nothing: what is wrong it throws. */
const ajv = new Ajv2020({
  strictSchema: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  ownProperties: true,
  logger: false,
});

function compile(schema: JsonSchema) {
  try {
    const validate = ajv.compile(schema);
    // It would be kept for good, and every change of a type brings another.
    ajv.removeSchema(schema);
    return validate;
  } catch (error) {
    throw wrong(`is not valid: ${(error as Error).message}`);
  }
}

function describe(error: ErrorObject | undefined): string {
  const path = error?.instancePath.replaceAll('/', '.') ?? '';
  const extra = error?.keyword === 'additionalProperties' ? `: ${error.params['additionalProperty']}` : '';
  return `${path} ${error?.message}${extra}`;
}

function asKind(kind: Kind, names: readonly string[]): Record<string, Kind> {
  return Object.fromEntries(names.map((name) => [name, kind]));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function wrong(text: string): OAuthError {
  return new OAuthError('invalid_parameter', `schema: ${text}.`);
}
