import { expect, test } from 'vitest';
import { withoutPorts } from './forwarded-headers.ts';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['192.0.2.1:443', '192.0.2.1'],
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['[::ffff:192.0.2.1]:80', '::ffff:192.0.2.1'],
  ['198.51.100.7:1234,10.0.0.1:80 , 10.0.0.2', '198.51.100.7, 10.0.0.1, 10.0.0.2'],
  ['unknown', 'unknown'],
  ['192.0.2.1:port', '192.0.2.1:port'],
  ['', ''],
])('%s is %s without ports', (given, expected) => {
  expect(withoutPorts(given)).toBe(expected);
});
