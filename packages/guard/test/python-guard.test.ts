/**
 * The guard in Python passes its own tests, with the catalogue of cases and with FastAPI before a real server. They run if
 * `POSTERN_TEST_PYTHON`, or else `python3`, has what they need. RFC 9068 §4, RFC 7009 §2.2.
 */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startTestServer } from '@postern/testing/test-server';
import { afterAll, expect, test } from 'vitest';

const python = process.env['POSTERN_TEST_PYTHON'] ?? 'python3';
const directory = fileURLToPath(new URL('../../../guards/python', import.meta.url));

/** Prints what this Python lacks. */
const findMissing = `
import importlib.util, sys
names = ["jwt", "cryptography", "pytest"]
missing = [name for name in names if importlib.util.find_spec(name) is None]
print(", ".join(missing + ([] if sys.version_info >= (3, 10) else ["Python 3.10"])))
`;

const { status, stdout, error } = spawnSync(python, ['-c', findMissing], { encoding: 'utf8' });
const missing = error === undefined && status === 0 ? stdout.trim() : 'a Python that runs';

if (missing !== '') {
  process.stderr.write(
    `SKIPPED the tests of guards/python: for ${python}, this machine lacks ${missing}. Name another with POSTERN_TEST_PYTHON.\n`,
  );
}

const audience = 'https://api.example.com';

const server = missing === '' ? await startTestServer() : undefined;
afterAll(() => server?.close());

async function makeClients() {
  const token = await server?.rootToken();
  const put = (path: string, body: object) => server?.call('PUT', `/api/v1/oauth/${path}`, { token, body });
  const scopes = ['orders:read', 'orders:write'];
  for (const name of scopes) {
    await put('scope', { name, description: name });
  }
  await put('resource', { key: 'orders', identifier: audience, scopes });
  const caller = await server?.createClient({ scopes, resources: [audience] });
  const follower = await server?.createClient({ scopes: ['revocation:read'] });
  return {
    POSTERN_TEST_ISSUER: server?.url,
    POSTERN_TEST_AUDIENCE: audience,
    POSTERN_TEST_CALLER: `${caller?.clientId}:${caller?.clientSecret}`,
    POSTERN_TEST_FOLLOWER: `${follower?.clientId}:${follower?.clientSecret}`,
  };
}

test.skipIf(missing !== '')('the guard in Python passes its tests, with every case of the catalogue', async () => {
  const env = { ...process.env, ...(await makeClients()), PYTHONDONTWRITEBYTECODE: '1' };
  const child = spawn(python, ['-m', 'pytest', '-q', '-rs', '-p', 'no:cacheprovider'], { cwd: directory, env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise((resolve) => child.on('close', resolve));
  for (const [line] of output.matchAll(/^SKIPPED .*$/gm)) {
    process.stderr.write(`${line}\n`);
  }
  expect(code, output).toBe(0);
  expect(output).toMatch(/\d+ passed/);
});
