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
    [
      'with a remote reference',
      withMember({ $ref: 'https://example.com/schema.json' }),
      /\$ref: is not a known member/,
    ],
    ['with a local reference', withMember({ $ref: '#' }), /\$ref: is not a known member/],
    [
      'with a reference below a combination',
      { type: 'object', allOf: [{ $ref: '#' }] },
      /\$ref: is not a known member/,
    ],
    ['with an anchor', withMember({ $dynamicRef: '#a' }), /\$dynamicRef: is not a known/],
    ['with a format', withMember({ type: 'string', format: 'email' }), /format: is not a known/],
    [
      'with patterns as names',
      { type: 'object', patternProperties: { '(a+)+': {} } },
      /patternProperties: is not a known/,
    ],
    ['with a keyword that nobody knows', withMember({ maximumLength: 5 }), /maximumLength: is not a known/],
    ['with a keyword that objects inherit', withMember({ toString: 5 }), /toString: is not a known/],
    [
      'whose keyword has a wrong value',
      withMember({ minLength: 'five' }),
      /schema\.properties\.member\.minLength: must be integer/,
    ],
    ['whose combination is no list', { type: 'object', allOf: null }, /schema\.allOf: must be array/],
    ['with an if that leads nowhere', withMember({ if: { type: 'string' } }), /member\.then: is required/],
    ['with an else without an if', withMember({ else: { type: 'string' } }), /if when property else is present/],
    ['with a length that no element has', withMember({ minLength: 2 ** 31 }), /minLength: must be <= 1000/],
    ['with a multiple finer than the validator', withMember({ multipleOf: 1e-12 }), /multipleOf: must be >= /],
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
    [{ type: 'payment' }, 'it.currency: is required.'],
    [{ type: 'payment', currency: 'EURO' }, 'it.currency: must match pattern "^[A-Z]{3}$".'],
    [{ type: 'payment', currency: 'EUR', actions: ['all'] }, 'it.actions[0]: must be one of initiate, status.'],
    [{ type: 'payment', currency: 'EUR', more: 1 }, 'it.more: is not a known member.'],
  ])('%j', (element, fault) => {
    expect(check(element, 'it')).toBe(fault);
  });

  test('a required member is one of its own, whatever objects inherit', () => {
    for (const name of Object.getOwnPropertyNames(Object.prototype).filter((name) => name !== '__proto__')) {
      const required = compileDetailsSchema({ type: 'object', required: [name], properties: { [name]: { const: 1 } } });
      expect(required({ type: 'a' }, 'it')).toBe(`it.${name}: is required.`);
      expect(required({ type: 'a', [name]: 1 }, 'it')).toBeUndefined();
    }
  });

  test('a member that is not required and that objects inherit may be missing', () => {
    const optional = compileDetailsSchema({ type: 'object', properties: { toString: { const: 1 } } });
    expect(optional({ type: 'a' }, 'it')).toBeUndefined();
    expect(optional({ type: 'a', toString: 2 }, 'it')).toBe('it.toString: must be 1.');
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
