import { expect, test } from 'vitest';
import { findMisnamedVariables } from './misnamed-variables.ts';

test.each([
  ['DATABSE_URL', 'DATABASE_URL'],
  ['POSTERN_DATABASE_URL', 'DATABASE_URL'],
  ['POSTERN_ISUER', 'POSTERN_ISSUER'],
  ['POSTERN_ISSUER_FILEE', 'POSTERN_ISSUER_FILE'],
  ['OAUTH_ROOT_CLIENT_SECRT', 'OAUTH_ROOT_CLIENT_SECRET'],
])('%s was meant for Postern: %s', (name, meant) => {
  expect(findMisnamedVariables({ [name]: 'x' })).toEqual([{ name, meant }]);
});

test.each([
  'DATABASE_URL',
  'POSTERN_ISSUER_FILE',
  'POSTERN_SERVER',
  'HOST',
  'HOSTS',
  'HOSTNAME',
  'PATH',
  'HOME',
  'USERNAME',
])('%s was not misspelled', (name) => {
  expect(findMisnamedVariables({ [name]: 'x' })).toEqual([]);
});

test('what Kubernetes sets for a service of the name postern was not either', () => {
  expect(findMisnamedVariables({ POSTERN_PORT: 'tcp://10.0.0.1:8080', POSTERN_SERVICE_HOST: '10.0.0.1' })).toEqual([]);
});
