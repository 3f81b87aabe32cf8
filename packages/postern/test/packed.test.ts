/** What npm would publish: each package, packed, installed into a fresh project, type-checked and run on the oldest Node it claims. */
import { execFile } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { launchBrowser } from './browser.ts';
import {
  makeTemporaryDirectory,
  type RootCredentials,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';

const root = resolve(import.meta.dirname, '../../..');
const names = ['protocol', 'guard', 'client', 'admin', 'gate', 'server', 'policy-api', 'postern'];

/** Those that programs import. */
const libraries = ['protocol', 'guard', 'client', 'admin'];

// Compilers and npm at work.
vi.setConfig({ testTimeout: 120_000 });

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

let directory: string;
let project: string;
const manifests = new Map<string, Manifest>();

/** Rejects with what the program wrote where it fails. */
async function run(program: string, args: readonly string[], cwd = project, over: Record<string, string> = {}) {
  const env = { ...process.env, npm_config_fund: 'false', npm_config_audit: 'false', ...over };
  try {
    return (await promisify(execFile)(program, args, { cwd, env, timeout: 300_000 })).stdout;
  } catch (error) {
    const { stdout, stderr, message } = error as Error & { stdout: string; stderr: string };
    throw new Error(`${message}\n${stdout}\n${stderr}`);
  }
}

const manifestOf = (name: string) => manifests.get(name) as Manifest;
const tarballOf = (name: string) =>
  join(
    directory,
    'packed',
    `${manifestOf(name).name.replace('@', '').replace('/', '-')}-${manifestOf(name).version}.tgz`,
  );

/** What a program imports of a package. */
const entriesOf = (name: string) =>
  Object.keys(manifestOf(name).exports ?? {}).map((entry) => join(manifestOf(name).name, entry));

/** The directory with the oldest `node` that a package claims to run on. */
const oldestNode = (name: string) =>
  join(directory, 'nodes', 'node_modules', `node-${manifestOf(name).engines.node.replace('>=', '')}`, 'bin');

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  project = join(directory, 'project');
  const [staged, packed] = [join(directory, 'staged'), join(directory, 'packed')];
  mkdirSync(packed);
  mkdirSync(project);
  await run('npm', ['run', 'build', '--', staged], root);
  for (const name of names) {
    manifests.set(name, JSON.parse(readFileSync(join(staged, name, 'package.json'), 'utf8')));
  }
  await run('npm', ['pack', '--pack-destination', packed, ...names.map((name) => join(staged, name))], directory);

  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const peers = names.flatMap((name) => Object.entries(manifestOf(name).peerDependencies ?? {}));
  await run('npm', [
    'install',
    '--prefer-offline',
    '--ignore-scripts',
    ...names.map(tarballOf),
    ...peers.map(([name, range]) => `${name}@${range}`),
    '@types/node',
  ]);
  const build = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  // Not beside the packages, where npx would find them first.
  const nodes = [...new Set(names.map((name) => manifestOf(name).engines.node.replace('>=', '')))].map(
    (version) => `node-${version}@npm:${build}-${process.platform}-${process.arch}@${version}`,
  );
  mkdirSync(join(directory, 'nodes'));
  await run('npm', ['install', '--prefer-offline', '--ignore-scripts', '--prefix', 'nodes', ...nodes], directory);
}, 300_000);
afterAll(() => removeDirectory(directory));

test('every package that is not private is packed', () => {
  const published = globSync('packages/*/package.json', { cwd: root })
    .filter((path) => JSON.parse(readFileSync(join(root, path), 'utf8')).private !== true)
    .map((path) => path.split(/[\\/]/)[1]);
  expect(published.toSorted()).toEqual(names.toSorted());
});

describe.each(names)('%s', (name) => {
  test('is as npm, bundlers and TypeScript want it', async () => {
    const data = readFileSync(tarballOf(name));
    const tarball = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    expect((await publint({ pack: { tarball }, strict: true })).messages).toEqual([]);
    if (manifestOf(name).exports !== undefined) {
      const result = await checkPackage(createPackageFromTarballData(new Uint8Array(data)));
      // What programs import is CommonJS too. The server is not, which `require` of the Nodes that it runs on can load.
      const isOurs = ({ kind, resolutionKind }: { kind: string; resolutionKind?: string }) =>
        libraries.includes(name) || (resolutionKind !== 'node10' && kind !== 'CJSResolvesToESM');
      expect((result.types === false ? ['no types'] : result.problems).filter((one) => isOurs(one as never))).toEqual(
        [],
      );
    }
  });

  test('contains what it needs, and neither tests nor tools', () => {
    const files = globSync('**/*.*', { cwd: join(project, 'node_modules', manifestOf(name).name) }).map((path) =>
      basename(path),
    );
    expect(files).toEqual(expect.arrayContaining(['package.json', 'README.md']));
    expect(files.filter((file) => /\.test\.|(?<!\.d)\.ts$|^tsconfig/.test(file))).toEqual([]);
  });

  test('loads on the oldest Node that it claims', async () => {
    const program = `await Promise.all(${JSON.stringify(entriesOf(name))}.map((entry) => import(entry)));`;
    await run(join(oldestNode(name), 'node'), ['--input-type=module', '--eval', program]);
  });
});

const tsc = (...args: string[]) =>
  run(process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    '--noEmit',
    '--singleThreaded',
    '--strict',
    '--target',
    'es2024',
    ...args,
  ]);

test('all declarations are sound, to the last one', async () => {
  const entries = names.flatMap(entriesOf);
  writeFileSync(
    join(project, 'entries.ts'),
    entries.map((entry, at) => `export * as e${at} from '${entry}';`).join('\n'),
  );
  await tsc('--module', 'nodenext', '--types', 'node', 'entries.ts');
});

describe('programs of every kind of module import the libraries', () => {
  /** TypeScript 5, which knows `moduleResolution` `node10`. */
  const formerTsc = createRequire(import.meta.resolve('@arethetypeswrong/core')).resolve('typescript/bin/tsc');
  const source = () => `
    ${libraries
      .flatMap(entriesOf)
      .map((entry, at) => `import * as e${at} from '${entry}';`)
      .join('\n')}
    import { createGuard, type Guard } from '@postern/guard';
    import { protect } from '@postern/guard/express';
    import { clientSecretBasic, createTokenClient, type IssuedToken } from '@postern/client';
    import { type AdminClient, createAdminClient } from '@postern/admin';
    import { OAuthError } from '@postern/protocol';
    const issuer = 'http://localhost:1';
    const client = createTokenClient({ issuer, authentication: clientSecretBasic('a', 'b') });
    export const token: () => Promise<IssuedToken> = () => client.getToken();
    export const admin: AdminClient = createAdminClient({ server: issuer, fetch: client.fetch });
    export const error: Error = new OAuthError('invalid_token', 'x');
    export const guard: Guard | undefined = undefined as Guard | undefined;
    // @ts-expect-error the declarations are found: an issuer is text
    export const wrong = () => createTokenClient({ issuer: 1, authentication: clientSecretBasic('a', 'b') });
    console.log([createGuard, protect, admin.clients].every(Boolean), [${libraries
      .flatMap(entriesOf)
      .map((_, at) => `e${at}`)
      .join()}].every((entry) => Object.keys(entry).length > 0));`;
  const directoryOf = (type: string) => join(project, type);

  beforeAll(() => {
    for (const type of ['commonjs', 'module']) {
      mkdirSync(directoryOf(type));
      writeFileSync(join(directoryOf(type), 'package.json'), JSON.stringify({ type }));
      writeFileSync(join(directoryOf(type), 'program.ts'), source());
    }
  });

  test.each([
    ['commonjs', 'node10', 'commonjs'],
    ['node16', 'node16', 'commonjs'],
    ['node18', 'node16', 'commonjs'],
    ['nodenext', 'nodenext', 'commonjs'],
    ['commonjs', 'bundler', 'commonjs'],
    ['node16', 'node16', 'module'],
    ['nodenext', 'nodenext', 'module'],
    ['esnext', 'bundler', 'module'],
  ])('compiled with module %s and moduleResolution %s, as %s', async (module, resolution, type) => {
    const compiler = resolution === 'node10' ? formerTsc : join(root, 'node_modules/typescript/bin/tsc');
    const options = ['--strict', '--target', 'es2022', '--skipLibCheck', '--types', 'node', '--outDir', module];
    const args = ['--module', module, '--moduleResolution', resolution, ...options, 'program.ts'];
    await run(process.execPath, [compiler, ...args], directoryOf(type));
    const output = await run(join(oldestNode('guard'), 'node'), [join(module, 'program.js')], directoryOf(type));
    expect(output).toBe('true true\n');
  });

  test('in Jest 29, with its own environments', async () => {
    writeFileSync(
      join(directoryOf('commonjs'), 'program.test.js'),
      `const entries = ${JSON.stringify(libraries.flatMap(entriesOf))};
       test.each(entries)('%s', (entry) => expect(Object.keys(require(entry)).length).toBeGreaterThan(0));
       test('one class of errors', () => {
         const { OAuthError } = require('@postern/protocol');
         expect(() => require('@postern/guard').requireScope({ scopes: new Set() }, 'a:b', 'Bearer')).toThrow(OAuthError);
       });`,
    );
    await run(
      process.execPath,
      [join(root, 'node_modules/jest/bin/jest.js'), '--ci', '--runInBand', '--rootDir', directoryOf('commonjs')],
      directoryOf('commonjs'),
    );
  });
});

test('client and admin use nothing of Node: they type-check with the declarations of browsers only', async () => {
  writeFileSync(
    join(project, 'page.ts'),
    `import { type Client, createAdminClient } from '@postern/admin';
     import { clientSecretBasic, createTokenClient, type IssuedToken } from '@postern/client';
     const client = createTokenClient({ issuer: location.origin, authentication: clientSecretBasic('a', 'b'), dpop: true });
     export const token: Promise<IssuedToken> = client.getToken();
     export const billing: Promise<Client> = createAdminClient({ server: '/', fetch: client.fetch }).clients.get('billing');
     export const answer: Promise<Response> = client.fetch('/api', { method: 'POST', body: new FormData() });
     // @ts-expect-error the issuer is text
     createTokenClient({ issuer: 1, authentication: clientSecretBasic('a', 'b') });`,
  );
  await tsc(
    '--module',
    'esnext',
    '--moduleResolution',
    'bundler',
    '--lib',
    'es2024,dom,dom.iterable',
    '--types',
    '',
    'page.ts',
  );
});

describe('`npx postern serve`', () => {
  let server: ServeProcess;
  let credentials: RootCredentials;
  /** The issuer of the server, which is also where its page would come from. */
  let issuer: string;

  const onOldestNode = () => ({ PATH: `${oldestNode('postern')}:${process.env['PATH']}`, HOME: directory });

  beforeAll(async () => {
    server = await startServe(project, {
      command: ['npx', '--no-install', 'postern'],
      env: onOldestNode(),
    });
    credentials = rootCredentials(server.dataDir);
    issuer = `http://localhost:${server.port}`;
  });
  afterAll(async () => {
    // The process that listens: npx, which started it, passes no signals on.
    await server.logged('Server listening');
    process.kill(Number(/"pid":(\d+)/.exec(server.stdout)?.[1]), 'SIGTERM');
    expect((await server.exit).code).toBe(0);
  });

  test('serves the other verbs', async () => {
    const env = {
      ...onOldestNode(),
      POSTERN_SERVER: issuer,
      POSTERN_CLIENT_ID: credentials.clientId,
      POSTERN_CLIENT_SECRET: credentials.clientSecret,
    };
    const verb = (...args: string[]) => run('npx', ['--no-install', 'postern', ...args, '--json'], project, env);
    const { client_id } = JSON.parse(await verb('client', 'create', '--name', 'packed', '--scope', 'policy:read'));
    expect(JSON.parse(await verb('client', 'show', client_id))).toMatchObject({ client_id, name: 'packed' });
  });

  test('serves a program that gets a token and calls the API with it', async () => {
    writeFileSync(
      join(project, 'program.js'),
      `import { clientSecretBasic, createTokenClient } from '@postern/client';
       const [issuer, id, secret] = process.argv.slice(2);
       const client = createTokenClient({ issuer, authentication: clientSecretBasic(id, secret), dpop: true });
       const answer = await client.fetch(\`\${issuer}/api/v1/policy\`);
       console.log(answer.status, JSON.stringify(await answer.json()));`,
    );
    const { clientId, clientSecret } = credentials;
    const output = await run(join(oldestNode('client'), 'node'), ['program.js', issuer, clientId, clientSecret]);
    expect(output).toBe('200 {"items":[],"total":0,"page":1,"size":50,"pages":0}\n');
  });

  test('serves a page in a browser that does the same', async () => {
    const { browser, close } = await launchBrowser();
    try {
      const page = await browser.newPage();
      const imports = { '@postern/client': './client/src/index.js', '@postern/protocol': './protocol/src/index.js' };
      const body = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
      await page.route(`${issuer}/page/**`, (route) => {
        const path = new URL(route.request().url()).pathname.replace('/page/', '');
        const file = join(project, 'node_modules/@postern', path);
        return path === '' ? route.fulfill({ contentType: 'text/html', body }) : route.fulfill({ path: file });
      });
      await page.goto(`${issuer}/page/`);
      // As text, so that the tests' own module loader leaves it alone.
      const result = await page.evaluate(`(async () => {
        const { clientSecretBasic, createTokenClient } = await import('@postern/client');
        const authentication = clientSecretBasic('${credentials.clientId}', '${credentials.clientSecret}');
        const client = createTokenClient({ issuer: location.origin, authentication, dpop: true });
        return [(await client.fetch('/api/v1/policy')).status, (await client.getToken()).tokenType];
      })()`);
      expect(result).toEqual([200, 'DPoP']);
    } finally {
      await close();
    }
  });

  test('serves the documentation and the console, whose files are in the package', async () => {
    const text = async (path: string) => {
      const answer = await fetch(server.url + path);
      expect([path, answer.status]).toEqual([path, 200]);
      return answer.text();
    };
    await text('/api');
    expect(await text('/api/static/theme/links.js')).toContain('operations');
    const script = /src="\.?\/?(assets\/[^"]+\.js)"/.exec(await text('/console'))?.[1];
    expect(await text(`/console/${script}`)).toContain('Postern');
  });
});
