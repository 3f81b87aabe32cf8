import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findPatternFault, findTextClaim, fitsPattern, hasContent, parseClaimPath } from './claim-pattern.ts';

describe('fitsPattern', () => {
  test.each([
    ['repo:org/name:ref:refs/heads/main', 'repo:org/name:ref:refs/heads/main', true],
    ['repo:org/name:ref:refs/heads/main', 'repo:org/name:ref:refs/heads/main2', false],
    ['repo:org/name:ref:refs/heads/main', 'repo:Org/name:ref:refs/heads/main', false],
    ['repo:org/*:ref:refs/heads/main', 'repo:org/name:ref:refs/heads/main', true],
    ['repo:org/*:ref:refs/heads/main', 'repo:org-evil/name:ref:refs/heads/main', false],
    ['repo:org/*:ref:refs/heads/main', 'repo:org/:ref:refs/heads/main', false],
    ['repo:org/*', 'repo:org/name:ref:refs/heads/main', false],
    ['repo:org*', 'repo:org-evil/name:ref:refs/heads/main', false],
    ['*', 'repo:org/name:ref:refs/heads/main', false],
    ['repo:org/*:ref:refs/heads/main', 'repo:org/x:environment:y:ref:refs/heads/main', false],
    ['repo:org/name:ref:refs/heads/*', 'repo:org/name:ref:refs/heads/feature/x', false],
    ['repo:org/name:ref:refs/tags/v*', 'repo:org/name:ref:refs/tags/v1.2.3', true],
    ['repo:org/name:ref:refs/tags/v*', 'repo:org/name:ref:refs/tags/v', false],
    ['repo:org/name:ref:refs/tags/v*-rc', 'repo:org/name:ref:refs/tags/v1-rc', true],
    ['spiffe://example.org/ns/*/sa/billing', 'spiffe://example.org/ns/prod/sa/billing', true],
    ['spiffe://example.org/ns/*/sa/billing', 'spiffe://example.org/ns/prod/x/sa/billing', false],
    ['spiffe://example.org/*', 'spiffe://example.org.evil/x', false],
    ['a.c', 'abc', false],
    ['*', 'line\nbreak', true],
    ['main', 'main\n', false],
  ])('%j and %j: %s', (pattern, value, fits) => {
    expect(fitsPattern(pattern, value)).toBe(fits);
  });

  const segment = fc.stringMatching(/^[^*:/]*$/);
  const delimiter = fc.constantFrom(':', '/');
  const text = fc
    .array(fc.tuple(segment, delimiter))
    .chain((parts) => segment.map((last) => parts.flat().join('') + last));

  test('a text without * fits itself alone', () => {
    fc.assert(fc.property(text, text, (a, b) => fitsPattern(a, a) && fitsPattern(a, b) === (a === b)));
  });

  test('whatever a * stands for, the number and kind of delimiters stays', () => {
    const delimitersOf = (value: string) => value.replace(/[^:/]/g, '');
    fc.assert(
      fc.property(text, text, text, fc.string(), (before, middle, after, value) => {
        const pattern = `${before}*${after}`;
        const candidates = [`${before}${middle}${after}`, value];
        return candidates.every(
          (candidate) => !fitsPattern(pattern, candidate) || delimitersOf(candidate) === delimitersOf(pattern),
        );
      }),
    );
  });

  test('a * stands for any text without delimiters that is not empty', () => {
    fc.assert(
      fc.property(text, segment, text, (before, middle, after) => {
        expect(fitsPattern(`${before}*${after}`, `${before}${middle}${after}`)).toBe(middle !== '');
      }),
    );
  });
});

test('findPatternFault: one * a segment', () => {
  expect(['a', '*', 'a*b:c*/*'].map(findPatternFault)).toEqual([undefined, undefined, undefined]);
  expect(['**', 'a*b*', 'x:**/y'].map(findPatternFault)).toEqual(Array(3).fill(expect.stringContaining('one *')));
});

test('hasContent: a letter or a digit somewhere', () => {
  expect(['a*', '*:7', 'é'].map(hasContent)).toEqual([true, true, true]);
  expect(['*', '*:*/*', ' -'].map(hasContent)).toEqual([false, false, false]);
});

describe('RFC 6901 claims by name and by JSON Pointer', () => {
  const claims = {
    sub: 'x',
    'kubernetes.io': { namespace: 'prod', serviceaccount: { name: 'billing' }, 'a/b~c': 'odd' },
    'https://example.org/role': 'admin',
    groups: ['one'],
    number: 7,
    nothing: null,
  };
  test.each([
    ['sub', 'x'],
    ['/sub', 'x'],
    ['/kubernetes.io/serviceaccount/name', 'billing'],
    ['/kubernetes.io/a~1b~0c', 'odd'],
    ['https://example.org/role', 'admin'],
    ['kubernetes.io', undefined],
    ['kubernetes.io.namespace', undefined],
    ['groups', undefined],
    ['/groups/0', undefined],
    ['/groups/length', undefined],
    ['number', undefined],
    ['nothing', undefined],
    ['/nothing/x', undefined],
    ['/sub/length', undefined],
    ['constructor', undefined],
    ['/constructor/name', undefined],
    ['/__proto__/x', undefined],
    ['/', undefined],
  ])('%s is %j', (name, value) => {
    expect(findTextClaim(claims, parseClaimPath(name) ?? [])).toBe(value);
  });

  test('a pointer with a wrong escape is none', () => {
    expect([parseClaimPath('/a~2'), parseClaimPath('/a~'), parseClaimPath('a~2')]).toEqual([
      undefined,
      undefined,
      ['a~2'],
    ]);
  });
});
