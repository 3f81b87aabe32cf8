/** What a person reads at the start: addresses that work. */
import { readConfig } from '@postern/server';
import { expect, test } from 'vitest';
import { describeStart } from './start-message.ts';

const config = readConfig({ HOST: '0.0.0.0', PORT: '8443' });
const start = (over: object) =>
  describeStart({ config: { ...config, ...over }, rootFile: undefined, close: async () => {}, closeAtOnce() {} });

test('over plain HTTP the commands name this machine', () => {
  expect(start({})).toContain('listens on http://0.0.0.0:8443 ');
  expect(start({})).toContain('Web console: http://localhost:8443/console\n');
  expect(start({})).toContain("curl -X POST 'http://localhost:8443/api/v1/oauth/token'");
});

test('with TLS they name the host of the issuer, as the certificate does', () => {
  const text = start({ issuer: 'https://auth.example.com', tls: { cert: '', key: '', clientCa: undefined } });
  expect(text).toContain('listens on https://0.0.0.0:8443 ');
  expect(text).toContain("curl -X POST 'https://auth.example.com/api/v1/oauth/token'");
  expect(text).not.toContain('http:');
});

test('if the root client is switched off, they say so instead of its credentials', () => {
  const text = start({ rootDisabled: true });
  expect(text).toContain('The root client is switched off by OAUTH_ROOT_DISABLED.');
  expect(text).not.toContain('OAUTH_ROOT_CLIENT');
});
