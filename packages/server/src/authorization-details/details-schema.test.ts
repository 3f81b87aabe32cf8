/** Which schemas may be registered, and what they then say of elements. RFC 9396 §2.1 and §12. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileDetailsSchema, type JsonSchema } from './details-schema.ts';
import { costOfPattern } from './pattern-cost.ts';

const withMember = (member: unknown): JsonSchema => ({ type: 'object', properties: { member } as object });
const nested = (depth: number): object => (depth === 0 ? {} : { items: nested(depth - 1) });

describe('a schema is refused', () => {
  test.each<[string, JsonSchema, RegExp]>([
    ['that describes no object', { type: 'string' }, /'type': 'object'/],
    ['of another dialect', { type: 'object', $schema: 'http://json-schema.org/draft-07/schema#' }, /2020-12/],
    ['with a remote reference', withMember({ $ref: 'https://example.com/schema.json' }), /\$ref, which is not/],
    ['with a local reference', withMember({ $ref: '#' }), /\$ref, which is not/],
    ['with a reference below a combination', { type: 'object', allOf: [{ $ref: '#' }] }, /\$ref, which is not/],
    ['with an anchor', withMember({ $dynamicRef: '#a' }), /\$dynamicRef, which is not/],
    ['with a format', withMember({ type: 'string', format: 'email' }), /format, which is not/],
    ['with patterns as names', { type: 'object', patternProperties: { '(a+)+': {} } }, /patternProperties/],
    ['with a keyword that nobody knows', withMember({ maximumLength: 5 }), /maximumLength, which is not/],
    ['with a keyword that objects inherit', withMember({ toString: 5 }), /toString, which is not/],
    ['whose keyword has a wrong value', withMember({ minLength: 'five' }), /not JSON Schema/],
    ['whose combination is no list', { type: 'object', allOf: null }, /not JSON Schema/],
    ['with an if that leads nowhere', withMember({ if: { type: 'string' } }), /not valid/],
    ['that is too deep', withMember(nested(30)), /more than 20 levels/],
    ['that is far too deep', withMember(nested(2_000)), /more than 20 levels/],
    ['that is too large', withMember({ enum: Array.from({ length: 150 }, () => 'x'.repeat(150)) }), /16384 bytes/],
    ['with a pattern with a group', withMember({ pattern: '^(a+)+$' }), /no groups/],
    ['with patterns that together cost too much', withMember({ allOf: costly(3) }), /could take too long/],
  ])('%s', (_, schema, text) => {
    expect(() => compileDetailsSchema(schema)).toThrow(text);
  });

  function costly(count: number) {
    return Array.from({ length: count }, () => ({ pattern: '^.*a.*$' }));
  }
});

describe('what a schema says of an element', () => {
  const check = compileDetailsSchema({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      type: { const: 'payment' },
      currency: { type: 'string', pattern: '^[A-Z]{3}$' },
      actions: { type: 'array', items: { enum: ['initiate', 'status'] }, uniqueItems: true },
    },
    required: ['currency'],
    additionalProperties: false,
  });

  test.each<[object, string | undefined]>([
    [{ type: 'payment', currency: 'EUR', actions: ['status'] }, undefined],
    [{ type: 'payment' }, " must have required property 'currency'"],
    [{ type: 'payment', currency: 'EURO' }, '.currency must match pattern "^[A-Z]{3}$"'],
    [{ type: 'payment', currency: 'EUR', actions: ['all'] }, '.actions.0 must be equal to one of the allowed values'],
    [{ type: 'payment', currency: 'EUR', more: 1 }, ' must NOT have additional properties: more'],
  ])('%j', (element, fault) => {
    expect(check(element)).toBe(fault);
  });

  test('a required member is one of its own, whatever objects inherit', () => {
    const required = compileDetailsSchema({ type: 'object', required: ['constructor'] });
    expect(required({ type: 'a' })).toMatch(/required/);
    expect(required({ type: 'a', constructor: 1 })).toBeUndefined();
  });
});

describe('CWE-1333 a pattern', () => {
  test.each([
    ['^[A-Z]{3}$', 1],
    ['^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}$', 30],
    ['^-?\\d{1,12}\\.?\\d{0,2}$', 2 * 12 * 2 * 3],
    ['^.*$', 1_000],
    ['^a{2,}$', 1_000],
    ['^a?a?a?a?$', 16],
    ['^[^\\]]+@[a-z.]+$', 1_000_000],
  ])('%s may have %i ways to try', (pattern, cost) => {
    expect(costOfPattern(pattern, 1_000)).toBe(cost);
  });

  test.each([
    '(a+)+',
    '^(a+)+$',
    '^(?:a|aa)*$',
    '^a|b$',
    '^(?=a)$',
    '^(.)\\1$',
    '^\\1$',
    'a',
    '^a',
    'a$',
    '^a**$',
    '^a+?$',
  ])('%s is no plain sequence', (pattern) => {
    expect(costOfPattern(pattern, 1_000)).toBeUndefined();
  });

  test('that passes has no group and no alternative outside its classes', () => {
    const pieces = fc.constantFrom(
      'a',
      '.',
      '\\d',
      '[a-z]',
      '[(|)]',
      '(',
      ')',
      '|',
      '*',
      '+',
      '?',
      '{2}',
      '{1,3}',
      '\\(',
      '\\',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const pattern = `^${parts.join('')}$`;
        if (costOfPattern(pattern, 1_000) !== undefined) {
          expect(pattern.replaceAll(/\\.|\[[^\]]*\]/g, 'x')).not.toMatch(/[()|]|[*+?}][*+?{]/);
          expect(() => new RegExp(pattern, 'u')).not.toThrow();
        }
      }),
    );
  });
});
