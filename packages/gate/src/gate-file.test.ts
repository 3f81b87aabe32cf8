/** What is wrong with the file of a gate, beyond its schema. */
import { expect, test } from 'vitest';
import { type GateConfig, type GateFile, readGateFile } from './gate-file.ts';

const api = { audience: 'https://api.example.com', rules: [{ path: '/a', scopes: ['a'] }] };
const file: GateFile = { issuer: 'https://auth.example.com', apis: [api] };

test('the defaults are safe: this machine only, and no certificates', () => {
  const config = readGateFile(file);
  expect(config).toMatchObject({
    listen: { host: '127.0.0.1', port: 9191 },
    grpc: undefined,
    gateways: ['127.0.0.0/8', '::1'],
    certificateHeader: undefined,
  });
  expect([...(config as GateConfig).origins.keys()]).toEqual(['api.example.com']);
});

test.each<[string, Partial<GateFile>, (string | number)[], string]>([
  ['an issuer without https', { issuer: 'http://auth.example.com' }, ['issuer'], 'must be an https URL'],
  ['an address without a port', { listen: '127.0.0.1' }, ['listen'], 'must be an address and a port'],
  ['a port that does not exist', { listen: '127.0.0.1:70000' }, ['listen'], 'must be an address and a port'],
  ['one address twice', { listen: '127.0.0.1:1', grpc: '127.0.0.1:1' }, ['grpc'], 'must be another port'],
  ['a gateway by name', { gateways: ['127.0.0.1', 'nginx'] }, ['gateways', 1], 'must be an IP address'],
  ['a network that does not exist', { gateways: ['10.0.0.0/64'] }, ['gateways', 0], 'must be an IP address'],
  [
    'a header with another meaning',
    { pass_on: { Authorization: 'sub' } },
    ['pass_on', 'Authorization'],
    'another meaning',
  ],
  [
    'the header of certificates',
    { client_certificate_header: 'X-Cert', pass_on: { 'x-cert': 'sub' } },
    ['pass_on', 'x-cert'],
    'another meaning',
  ],
  [
    'a header that is none',
    { pass_on: { 'X Client': 'sub' } },
    ['pass_on', 'X Client'],
    'must be the name of a header',
  ],
  ['a header twice', { pass_on: { 'X-A': 'sub', 'x-a': 'sub' } }, ['pass_on', 'x-a'], 'appears twice'],
  [
    'an audience without a host',
    { apis: [{ ...api, audience: 'urn:api' }] },
    ['apis', 0, 'audience'],
    'origins is required',
  ],
  [
    'an origin with a path',
    { apis: [{ ...api, origins: ['https://api.example.com/v1'] }] },
    ['apis', 0, 'origins', 0],
    'scheme, host and port only',
  ],
  ['a host twice', { apis: [api, api] }, ['apis', 1, 'audience'], 'has the same host'],
  [
    'a path with a wildcard',
    { apis: [{ ...api, rules: [{ path: '/a*', scopes: [] }] }] },
    ['apis', 0, 'rules', 0, 'path'],
    'must begin with /',
  ],
  [
    'a rule without scopes',
    { apis: [{ ...api, rules: [{ path: '/a' }] }] },
    ['apis', 0, 'rules', 0],
    'must have either scopes or public',
  ],
  [
    'a rule that is both',
    { apis: [{ ...api, rules: [{ path: '/a', scopes: [], public: true }] }] },
    ['apis', 0, 'rules', 0],
    'must have either scopes or public',
  ],
  [
    'a scope that is none',
    { apis: [{ ...api, rules: [{ path: '/a', scopes: ['a', 'a b'] }] }] },
    ['apis', 0, 'rules', 0, 'scopes', 1],
    'is not the name of a scope',
  ],
  [
    'a rule twice',
    { apis: [{ ...api, rules: [...api.rules, { path: '/a/', scopes: [] }] }] },
    ['apis', 0, 'rules', 1, 'path'],
    'has another rule that names no methods',
  ],
])('%s is reported at its place', (_what, change, path, text) => {
  expect(readGateFile({ ...file, ...change })).toEqual([{ path, text: expect.stringContaining(text) }]);
});
