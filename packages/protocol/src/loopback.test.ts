/** Which URLs may carry credentials and tokens. RFC 6750 §5.3. */
import { expect, test } from 'vitest';
import { isConfidential } from './loopback.ts';

test.each([
  ['https://api.example.com', true],
  ['http://localhost:8080', true],
  ['http://127.0.0.53', true],
  ['http://[::1]:8080', true],
  ['http://api.example.com', false],
  ['http://localhost.example.com', false],
  ['http://127.0.0.1.example.com', false],
  ['http://10.0.0.1', false],
  ['ftp://localhost', false],
  ['localhost', false],
])('%s may carry a token: %s', (url, expected) => {
  expect(isConfidential(url)).toBe(expected);
});

test.each([
  ['https://api.example.com', true],
  ['http://api.mesh.internal:8080', true],
  ['ftp://api.mesh.internal', false],
  ['api.mesh.internal', false],
])('in a network that encrypts every connection, %s may carry a token: %s', (url, expected) => {
  expect(isConfidential(url, true)).toBe(expected);
});
