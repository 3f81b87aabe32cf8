import { expect, test } from 'vitest';
import { decodeUtf8 } from './utf-8.ts';

test('UTF-8 is decoded, with and without a byte order mark', () => {
  expect(decodeUtf8(Buffer.from('Grüße 💶\n'))).toBe('Grüße 💶\n');
  expect(decodeUtf8(Buffer.from('\ufeffa'))).toBe('a');
  expect(decodeUtf8(Buffer.alloc(0))).toBe('');
});

test.each<[string, Buffer, string]>([
  ['Latin-1', Buffer.from('name: caf\xe9\n', 'latin1'), 'line 1, byte 10: 0xE9 is not UTF-8'],
  ['Latin-1 in a later line', Buffer.from('a: ü\nb: x\xfcx\n', 'latin1'), 'line 1, byte 4: 0xFC is not UTF-8'],
  [
    'Latin-1 after UTF-8',
    Buffer.concat([Buffer.from('ü\nü\n'), Buffer.from('x\xfc', 'latin1')]),
    'line 3, byte 2: 0xFC is not UTF-8',
  ],
  ['a character that is cut off', Buffer.from('ab\u20ac').subarray(0, 4), 'line 1, byte 3: 0xE2 is not UTF-8'],
  ['UTF-16 with its mark', Buffer.from('\ufeffname: a', 'utf16le'), 'is UTF-16'],
  ['UTF-16, the other way around', Buffer.from('\ufeffname: a', 'utf16le').swap16(), 'is UTF-16'],
])('%s is an error that says where, or what it is', (_, bytes, message) => {
  expect(() => decodeUtf8(bytes)).toThrow(message);
});
