/** Waiting that can be given up, and what may be told over the network. RFC 6750 §5.3. */
import { expect, test } from 'vitest';
import { isConfidential, sleep } from './platform.ts';

test('a pause ends with its signal, and does not begin after it', async () => {
  const controller = new AbortController();
  const long = sleep(3_600_000, controller.signal);
  controller.abort(new Error('enough'));
  await expect(long).rejects.toThrow('enough');
  await expect(sleep(3_600_000, controller.signal)).rejects.toThrow('enough');
  await expect(sleep(0)).resolves.toBeUndefined();
});

test.each([
  ['https://api.example.com', true],
  ['http://localhost:8080', true],
  ['http://127.0.0.53', true],
  ['http://[::1]:8080', true],
  ['http://api.example.com', false],
  ['http://localhost.example.com', false],
  ['http://127.0.0.1.example.com', false],
  ['http://10.0.0.1', false],
  ['ftp://localhost.example.com', false],
])('%s may carry a token: %s', (url, expected) => {
  expect(isConfidential(new URL(url))).toBe(expected);
});
