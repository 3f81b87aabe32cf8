/** What a person reads at the start: the issuer, which is the one address that works for everything. */
import { readConfig } from '@postern/server';
import { expect, test } from 'vitest';
import { describeStart } from './start-message.ts';

const start = (env: Record<string, string>, over: object = {}) =>
  describeStart({
    config: { ...readConfig(env), ...over },
    rootFile: undefined,
    close: async () => {},
    closeAtOnce() {},
  });
const urlsOf = (text: string) => text.match(/https?:[^\s')]+/g) ?? [];

test.each<[Record<string, string>, string]>([
  [{}, 'http://localhost:8080'],
  [{ PORT: '9000' }, 'http://localhost:9000'],
  [{ HOST: '0.0.0.0', PORT: '8443' }, 'http://localhost:8443'],
  [{ HOST: '::' }, 'http://localhost:8080'],
  [{ HOST: '10.0.0.5' }, 'http://localhost:8080'],
  [{ POSTERN_ISSUER: 'http://127.0.0.1:8080' }, 'http://127.0.0.1:8080'],
  [{ HOST: '0.0.0.0', POSTERN_ISSUER: 'https://auth.example.com' }, 'https://auth.example.com'],
  [{ POSTERN_ISSUER: 'https://example.com/auth' }, 'https://example.com/auth'],
])('with %j every URL begins with the issuer', (env, issuer) => {
  const text = start(env);
  expect(urlsOf(text)).toEqual(
    ['', '/api', '/console', '/health/ready', '/api/v1/oauth/token'].map((path) => issuer + path),
  );
  expect(text).toContain(`curl -X POST '${issuer}/api/v1/oauth/token'`);
});

test('it says where the process listens if that is not where the issuer is', () => {
  expect(start({})).toContain('Postern listens on http://localhost:8080 ');
  expect(start({ HOST: '0.0.0.0' })).toContain('Postern listens on http://localhost:8080 ');
  expect(start({ HOST: '::1' })).toContain('Postern listens on http://localhost:8080 ');
  expect(start({ HOST: '10.0.0.5' })).toContain('Postern listens on 10.0.0.5:8080 as http://localhost:8080 ');
  expect(start({ HOST: '::', POSTERN_ISSUER: 'https://auth.example.com' })).toContain(
    'Postern listens on [::]:8080 as https://auth.example.com ',
  );
  const tls = { cert: '', key: '', clientCa: undefined };
  expect(start({ PORT: '8443' }, { issuer: 'https://auth.example.com', tls })).toContain(
    'Postern listens on 127.0.0.1:8443 as https://auth.example.com ',
  );
});

test('if the root client is switched off, it says so instead of its credentials', () => {
  const text = start({}, { rootDisabled: true });
  expect(text).toContain('The root client is switched off by OAUTH_ROOT_DISABLED.');
  expect(text).not.toContain('OAUTH_ROOT_CLIENT');
});
