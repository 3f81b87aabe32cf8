/**
 * The JSON Schema of a type of authorization details: which schemas may be registered, and how they validate elements.
 * RFC 9396 §2.1 and §12.
 *
 * A schema runs in the token endpoint on what callers send, so its cost is bounded when it is registered: it is one
 * tree of the keywords below, without references, and its patterns are cheap.
 */
import { describeFault } from '@postern/http-api';
import { OAuthError } from '@postern/protocol';
import { Type } from 'typebox';
import { Compile, type Validator } from 'typebox/schema';
import { findBoundsFault, type JsonBounds } from './json-bounds.ts';
import { costOfPattern } from './pattern-cost.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Returns what is wrong with an element that errors call `name`, or undefined. */
export type FindElementFault = (element: unknown, name: string) => string | undefined;

/** Bounds of one element. The token must stay below 16 kB, and it may have scopes too. */
export const elementBounds: JsonBounds = { bytes: 4_096, depth: 8, entries: 100, stringLength: 1_000 };

const schemaBounds: JsonBounds = { bytes: 16_384, depth: 20, entries: 200, stringLength: 2_000 };

/** Ways that all patterns of a schema together may have to try on the longest string. */
const highestPatternCost = 2_000_000;

const TypeName = Type.Enum(['array', 'boolean', 'integer', 'null', 'number', 'object', 'string']);
const Count = Type.Integer({ minimum: 0, maximum: elementBounds.stringLength });

const Subschema = Type.Unsafe({ $ref: '#' });

/** Keywords with subschemas. */
const applicators = {
  ...each(['additionalProperties', 'items', 'contains', 'not', 'if', 'then', 'else'], Subschema),
  ...each(['allOf', 'anyOf', 'oneOf', 'prefixItems'], Type.Array(Subschema, { minItems: 1 })),
  properties: Type.Unsafe({ type: 'object', additionalProperties: Subschema }),
};

/**
 * The schemas that may be registered. References could expand a small schema into an endless one, and `format` is not
 * validated here, so neither is among the keywords. The validator rounds at 10⁻¹⁰, so that a smaller `multipleOf` would
 * accept everything.
 */
const DetailsSchema = {
  type: ['object', 'boolean'],
  properties: {
    ...applicators,
    $schema: Type.Literal('https://json-schema.org/draft/2020-12/schema'),
    $comment: Type.String(),
    title: Type.String(),
    description: Type.String(),
    default: true,
    examples: Type.Array(Type.Unknown()),
    type: Type.Union([TypeName, Type.Array(TypeName, { minItems: 1, uniqueItems: true })]),
    enum: Type.Array(Type.Unknown(), { minItems: 1 }),
    const: true,
    required: Type.Array(Type.String(), { uniqueItems: true }),
    minProperties: Count,
    maxProperties: Count,
    minLength: Count,
    maxLength: Count,
    minItems: Count,
    maxItems: Count,
    uniqueItems: Type.Boolean(),
    minimum: Type.Number(),
    maximum: Type.Number(),
    exclusiveMinimum: Type.Number(),
    exclusiveMaximum: Type.Number(),
    multipleOf: Type.Number({ minimum: 0.000_001 }),
    pattern: Type.String(),
  },
  additionalProperties: false,
  dependentRequired: each(['then', 'else'], ['if']),
  dependentSchemas: { if: { anyOf: [{ required: ['then'] }, { required: ['else'] }] } },
};

let detailsSchema: Validator | undefined;

/** Compiles a schema for elements. Throws `invalid_parameter` if it is not JSON Schema or not allowed here. */
export function compileDetailsSchema(schema: JsonSchema): FindElementFault {
  const fault = findBoundsFault(schema, schemaBounds);
  if (fault !== undefined) {
    throw invalid(`schema: has ${fault}.`);
  }
  if (schema['type'] !== 'object') {
    throw invalid("schema: must have 'type': 'object', because every element is an object.");
  }
  detailsSchema ??= Compile(DetailsSchema);
  if (!detailsSchema.Check(schema)) {
    const [, errors] = detailsSchema.Errors(schema);
    const keywords = `Keywords: ${Object.keys(DetailsSchema.properties).join(' ')}.`;
    throw invalid(`${describeFault(errors, 'element', 'schema')} ${keywords}`);
  }
  if (costOf(schema) > highestPatternCost) {
    throw invalid('schema: has patterns that could take too long: bound what they repeat, as in {1,20}.');
  }
  const validator = compile(schema);
  return (element, name) => {
    const own = withoutPrototype(element);
    return validator.Check(own) ? undefined : describeFault(validator.Errors(own)[1], 'element', name);
  };
}

/** Throws `invalid_parameter` if a pattern is not a regular expression. */
function compile(schema: JsonSchema): Validator {
  try {
    return Compile(schema);
  } catch {
    throw invalid('schema: has a pattern that is not a regular expression.');
  }
}

/** Adds up the cost of all patterns in a valid schema. */
function costOf(schema: unknown): number {
  if (typeof schema !== 'object' || schema === null) {
    return 0;
  }
  const costs = Object.entries(schema).map(([keyword, value]) => {
    if (keyword === 'pattern') {
      return requireCost(value);
    }
    if (!Object.hasOwn(applicators, keyword)) {
      return 0;
    }
    return keyword === 'properties' || Array.isArray(value) ? sum(Object.values(value).map(costOf)) : costOf(value);
  });
  return sum(costs);
}

function requireCost(pattern: string): number {
  const cost = costOfPattern(pattern, elementBounds.stringLength);
  if (cost === undefined) {
    throw invalid(
      'schema: has a pattern of another form: only ^, characters and classes with or without a count, and ' +
        '$ are allowed, at most 200 characters; no groups, alternatives or look-arounds.',
    );
  }
  return cost;
}

/** Copies a value so that `required: [toString]` is not met by what every object inherits. */
function withoutPrototype(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(withoutPrototype);
  }
  const copy = Object.create(null);
  for (const [name, member] of Object.entries(value)) {
    copy[name] = withoutPrototype(member);
  }
  return copy;
}

function each<T>(names: readonly string[], value: T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value]));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function invalid(text: string): OAuthError {
  return new OAuthError('invalid_parameter', text);
}
