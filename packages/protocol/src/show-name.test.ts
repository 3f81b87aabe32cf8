/** Which names that a caller sent an error may repeat. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { showName } from './show-name.ts';

describe('showName', () => {
  test.each([
    '',
    'nobody',
    'policy:read',
    'invoice_key',
    '../../etc/passwd',
    's3:read',
    'https://api.example.com',
    '__proto__',
    'minLength',
    '$ref',
    'hasOwnProperty',
  ])('repeats the name %j', (name) => {
    expect(showName(name)).toBe(name);
  });

  test.each([
    'Secret',
    's3cr3t',
    'k'.repeat(21),
    'a:'.repeat(31),
    'two words',
    'a\0b',
    '"\\',
    '\ud800',
    randomBytes(32).toString('base64url'),
    randomBytes(32).toString('hex'),
  ])('does not repeat %j', (text) => {
    expect(showName(text)).toBe('(not shown)');
  });

  test('decides about 100 kB at once', () => {
    expect(showName('a1:'.repeat(33_000))).toBe('(not shown)');
  });
});
