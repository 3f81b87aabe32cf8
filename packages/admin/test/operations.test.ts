/** The client against a running server: it has every operation that the server describes, and the README's programs run. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { clientSecretBasic, createTokenClient } from '@postern/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  call,
  makeTemporaryDirectory,
  type RootCredentials,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from '../../postern/test/harness.ts';
import { type AdminClient, createAdminClient, type Operation, operations } from '../src/index.ts';

let directory: string;
let server: ServeProcess;
let root: RootCredentials;
let admin: AdminClient;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  server = await startServe(directory);
  root = rootCredentials(server.dataDir);
  const { fetch } = createTokenClient({
    issuer: server.url,
    tokenEndpoint: `${server.url}/api/v1/oauth/token`,
    authentication: clientSecretBasic(root.clientId, root.clientSecret),
  });
  admin = createAdminClient({ server: server.url, fetch });
});
afterAll(async () => {
  await server.stop();
  removeDirectory(directory);
});

test('there is one function for each operation that needs a token, with its method and path', async () => {
  const { paths } = (await call('GET', `${server.url}/openapi.json`)).body as {
    paths: Record<string, Record<string, { security: unknown[] }>>;
  };
  const anonymous = (path: string) => path.replaceAll(/\{\w*\}/g, '{}');
  // Where a path has both, PUT and PATCH do the same, and one of them is enough.
  const withBoth = new Set(
    Object.keys(paths)
      .filter((path) => paths[path]?.['put'] && paths[path]['patch'])
      .map(anonymous),
  );
  const label = (method: string, path: string) =>
    `${withBoth.has(path) && /^(PUT|PATCH)$/.test(method) ? 'PUT or PATCH' : method} ${path}`;

  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      // Receivers of events have libraries for the protocol of the Shared Signals Framework.
      .filter(([, { security }]) => security.length > 0 && !path.startsWith('/api/v1/ssf/'))
      .map(([method]) => label(method.toUpperCase(), anonymous(path))),
  );
  const functions = Object.values(operations).flatMap((group) =>
    Object.values<(...ids: string[]) => Operation<unknown>>(group as never),
  );
  const offered = functions.map((operation) => {
    const { method, path } = operation('{}', '{}', '{}');
    return label(method, decodeURIComponent(path));
  });
  expect(offered.length).toBeGreaterThan(45);
  expect(offered.toSorted()).toEqual([...new Set(described)].toSorted());
});

test('the programs of the README run, and the manual shows the first', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const programs = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, program = '']) => program);
  expect(programs[0]?.trim().split('\n').length).toBeLessThanOrEqual(10);
  const manual = readFileSync(new URL('../../../docs/call-an-api.md', import.meta.url), 'utf8');
  expect(manual).toContain(programs[0]);
  const program = programs.join('\n').replace('https://auth.example.com', `http://localhost:${server.port}`);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--input-type=module-typescript',
      '--eval',
      `const [id, secret]: string[] = process.argv.slice(1);\n${program}\nconsole.log(client_id, client_secret, total, missing);`,
      root.clientId,
      root.clientSecret,
    ],
    { cwd: import.meta.dirname },
  );
  const [progress, refusal, last] = stdout.trimEnd().split('\n');
  expect(progress).toBe('1 of 1');
  expect(refusal).toMatch(/^409 \w+ ./);
  expect(last).toMatch(/^\S+ \S{40,} 1 undefined$/);
});

describe('an answer', () => {
  test('has the types of the schemas, and lists are read to their end', async () => {
    const names = Array.from({ length: 120 }, (_, index) => ({ name: `test:${index}`, description: 'For a test' }));
    const saved = await admin.scopes.save(names);
    expect(saved.map(({ name, origin }) => [name, origin])).toContainEqual(['test:7', 'own']);
    const { results } = await admin.batch.apply({
      operations: names.map(({ name }) => operations.clients.create({ name, scopes: [name] })),
    });
    expect(results).toHaveLength(120);
    const progress: [number, number][] = [];
    const clients = await admin.all(operations.clients.list({ search: 'test:' }), {
      onProgress: (...counts) => progress.push(counts),
    });
    expect(clients.map(({ name }) => name)).toEqual(names.map(({ name }) => name));
    expect(progress).toEqual([
      [100, 120],
      [120, 120],
    ]);
  });

  test('that is refused throws an error with its status, its code and its message', async () => {
    await expect(admin.clients.create({ scopes: ['no:such'] })).rejects.toMatchObject({
      name: 'AdminError',
      status: 422,
      code: 'invalid_parameter',
      detail: expect.stringContaining('no:such'),
    });
    await expect(
      admin.batch.apply({
        operations: [operations.clients.create({ name: 'undone' }), operations.clients.delete('nobody')],
      }),
    ).rejects.toMatchObject({ status: 404, answer: { operation: 1 } });
  });

  test('404 is undefined for `find`, which throws for every other refusal', async () => {
    expect(await admin.find(operations.clients.get('nobody'))).toBeUndefined();
    await expect(admin.find(operations.policies.get('not a key'))).rejects.toMatchObject({ status: 422 });
  });
});
