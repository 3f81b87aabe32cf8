/** The variables that make Postern speak TLS and take client certificates. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, type Identity } from '@postern/testing/certificates';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig, StartError } from '../src/index.ts';

let directory: string;
let one: Identity;
let two: Identity;
let files: Record<string, string>;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'postern-tls-config-'));
  [one, two] = [await createAuthority('one'), await createAuthority('two')];
  for (const [name, { cert, key }] of Object.entries({ one, two })) {
    writeFileSync(path(`${name}.crt`), cert);
    writeFileSync(path(`${name}.key`), key);
  }
  files = { POSTERN_TLS_CERT_FILE: path('one.crt'), POSTERN_TLS_KEY_FILE: path('one.key') };
});
afterAll(() => rmSync(directory, { recursive: true }));

const path = (name: string) => join(directory, name);

function faultOf(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(StartError);
    return (error as StartError).message;
  }
  throw new Error(`nothing is wrong with ${JSON.stringify(env)}`);
}

test('a certificate and its key make it speak https, in its issuer too', () => {
  const { tls, issuer } = readConfig(files);
  expect(tls).toEqual({
    cert: one.cert,
    key: one.key,
    clientCa: undefined,
  });
  expect(issuer).toBe('https://localhost:8080');
  const withCa = readConfig({ ...files, POSTERN_TLS_CLIENT_CA_FILE: path('two.crt') });
  expect(withCa.tls?.clientCa).toBe(two.cert);
});

test('they come together, belong together, and can be read', () => {
  const faults: [Record<string, string>, RegExp][] = [
    [{ POSTERN_TLS_KEY_FILE: '' }, /^POSTERN_TLS_KEY_FILE is missing: /],
    [{ POSTERN_TLS_CERT_FILE: '' }, /^POSTERN_TLS_CERT_FILE is missing: /],
    [{ POSTERN_TLS_KEY_FILE: path('two.key') }, /^POSTERN_TLS_KEY_FILE: the key in .* is not the one of /],
    [{ POSTERN_TLS_KEY_FILE: path('one.crt') }, /^POSTERN_TLS_KEY_FILE: .* holds no private key/],
    [{ POSTERN_TLS_KEY_FILE: path('none') }, /^POSTERN_TLS_KEY_FILE: cannot read .* \(ENOENT\)/],
    [{ POSTERN_TLS_CERT_FILE: path('one.key') }, /^POSTERN_TLS_CERT_FILE: the file holds no certificate/],
    [{ POSTERN_TLS_CLIENT_CA_FILE: path('one.key') }, /^POSTERN_TLS_CLIENT_CA_FILE: the file holds no certificate/],
    [{ POSTERN_TLS_CLIENT_CA_FILE: path('none') }, /^POSTERN_TLS_CLIENT_CA_FILE: cannot read /],
    [{ POSTERN_ISSUER: 'http://localhost:8080' }, /^POSTERN_ISSUER: .* must use https, since POSTERN_TLS_CERT_FILE/],
  ];
  for (const [over, expected] of faults) {
    const fault = faultOf({ ...files, ...over });
    expect(fault).toMatch(expected);
    expect(fault).toMatch(/ Example: POSTERN_\w+=\S+$/);
  }
  expect(faultOf({ POSTERN_TLS_CLIENT_CA_FILE: path('two.crt') })).toMatch(/^POSTERN_TLS_CERT_FILE is missing: /);
});

test('a header with certificates is believed from proxies, so there must be some', () => {
  const header = { POSTERN_CLIENT_CERTIFICATE_HEADER: 'X-SSL-Cert' };
  expect(readConfig({ ...header, POSTERN_TRUSTED_PROXIES: '10.0.0.1' }).clientCertificateHeader).toBe('x-ssl-cert');
  expect(faultOf(header)).toMatch(/^POSTERN_TRUSTED_PROXIES is missing: .* Example: POSTERN_TRUSTED_PROXIES=\S/);
  expect(faultOf({ POSTERN_CLIENT_CERTIFICATE_HEADER: 'a: b' })).toMatch(
    /^POSTERN_CLIENT_CERTIFICATE_HEADER: .* Example: POSTERN_CLIENT_CERTIFICATE_HEADER=\S/,
  );
});
