/** Which part of a path is the issuer's. RFC 8414 §2. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { expect, test } from 'vitest';
import { removeIssuerPath } from './issuer-path.ts';

const ours = ['', 'api', 'console', 'health', 'metrics', 'openapi.json', '.well-known'];
const app = { hasRoutesBelow: (segment: string) => ours.includes(segment) } as FastifyInstance;
const rewrite = (issuer: string, url: string) =>
  removeIssuerPath(issuer)?.call(app, { url } as IncomingMessage & { originalUrl?: string });

test('an issuer without a path has nothing to remove', () => {
  expect(removeIssuerPath('https://auth.example.com')).toBeUndefined();
});

test.each([
  ['/auth', '/auth/api/v1/policy?a=/auth/b', '/api/v1/policy?a=/auth/b'],
  ['/auth', '/auth/api', '/api'],
  ['/auth', '/auth/console/clients/auth', '/console/clients/auth'],
  ['/auth', '/auth', '/'],
  ['/auth', '/auth/', '/'],
  ['/auth', '/auth?a', '/?a'],
  ['/auth', '/auth/openapi.json', '/openapi.json'],
  ['/auth', '/auth/.well-known/jwks.json', '/.well-known/jwks.json'],
  ['/a/b', '/a/b/health/ready', '/health/ready'],
  // A proxy has removed it, or it is not there.
  ['/auth', '/api/v1/policy', '/api/v1/policy'],
  ['/auth', '/authority/api', '/authority/api'],
  ['/auth', '/auth/auth/api', '/auth/auth/api'],
  ['/auth', '/auth//api', '/auth//api'],
  ['/auth', '/Auth/api', '/Auth/api'],
  ['/auth', '/auth/nothing', '/auth/nothing'],
  ['/auth', '/.well-known/oauth-authorization-server/auth', '/.well-known/oauth-authorization-server/auth'],
  ['/a/b', '/a/api', '/a/api'],
  ['/auth', '*', '*'],
  // It begins like one of ours.
  ['/api', '/api/v1/policy', '/api/v1/policy'],
  ['/api', '/api/api/v1/policy', '/api/v1/policy'],
  ['/api', '/api', '/api'],
  ['/api', '/api/', '/api/'],
  ['/api', '/api/static/index.html', '/api/static/index.html'],
  ['/api', '/api/console', '/console'],
  ['/console', '/console/assets/a.js', '/console/assets/a.js'],
  ['/console', '/console/console/assets/a.js', '/console/assets/a.js'],
  ['/health', '/health/ready', '/health/ready'],
])('https://example.com%s: %s is %s', (path, url, expected) => {
  expect(rewrite(`https://example.com${path}`, url)).toBe(expected);
});
