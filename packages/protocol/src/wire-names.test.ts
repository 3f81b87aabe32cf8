/** Wire names become code names, and code names become wire names, for the object's own members only. */
import { expect, test } from 'vitest';
import { fromWireNames, toWireNames } from './wire-names.ts';

const wire = { jwks_uri: 'x', tls_client_auth_san_dns: null, scopes: [], jwks: { keys: [{ key_ops: [] }] } };
const code = { jwksUri: 'x', tlsClientAuthSanDns: null, scopes: [], jwks: { keys: [{ key_ops: [] }] } };

test('names are translated both ways, and those of inner objects are kept', () => {
  expect(fromWireNames(wire)).toEqual(code);
  expect(toWireNames(code)).toEqual(wire);
});
