/** The API documentation, read by a program and by a person in a browser. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import openapiTypescript, { astToString } from 'openapi-typescript';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { launchBrowser, type TestBrowser } from './browser.ts';
import { expectAccessible } from './console-harness.ts';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';

let directory: string;
let server: ServeProcess;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  server = await startServe(directory, { env: { POSTERN_REGISTRATION: 'initial_access_token' } });
});
afterAll(async () => {
  await server.stop();
  removeDirectory(directory);
});

interface Schema {
  readonly $ref?: string;
  readonly title?: string;
  readonly items?: Schema;
  readonly properties?: object;
  readonly required?: readonly string[];
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly security?: readonly Record<string, readonly string[]>[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Content;
  };
  readonly responses: Record<string, { readonly description: string; readonly content?: Content }>;
}

interface Described extends Operation {
  readonly method: string;
  readonly path: string;
}

/** Every pattern in the document, once. */
function patternsIn(document: unknown): string[] {
  const found = JSON.stringify(document).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g);
  return [...new Set(found.map(([, text = '']) => JSON.parse(text)))];
}

describe('/openapi.json', () => {
  // biome-ignore lint/suspicious/noExplicitAny: a document that is looked into everywhere
  let document: any;
  let operations: Described[];

  beforeAll(async () => {
    document = (await call('GET', `${server.url}/openapi.json`)).body;
    operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method, path, ...operation })),
    );
  });

  const resolve = (schema: Schema): Schema =>
    schema.$ref === undefined ? schema : document.components.schemas[schema.$ref.split('/').at(-1) ?? ''];

  const isOptional = ({ security }: Described) => security?.some((one) => one['bearer'] === undefined) === true;
  const takesAnyToken = ({ security }: Described) => security?.every((one) => one['bearer']?.length === 0) === true;
  const guarded = () => operations.filter((operation) => !isOptional(operation) && !takesAnyToken(operation));

  test('names the API, its version, its licence and its tags', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(document.info).toMatchObject({
      title: 'Postern',
      version: manifest.version,
      license: { identifier: manifest.license },
    });
    const used = new Set(operations.flatMap(({ tags }) => tags));
    expect(document.tags.map(({ name }: { name: string }) => name).toSorted()).toEqual([...used].toSorted());
    for (const { description } of document.tags) {
      expect(description).toMatch(/\w/);
    }
  });

  test('says where it is served, and its patterns need nothing that Python and Go do not have', () => {
    expect(document.servers).toEqual([{ url: expect.stringMatching(/^http:\/\/localhost:\d+$/) }]);
    const patterns = patternsIn(document);
    expect(patterns.length).toBeGreaterThan(5);
    for (const pattern of patterns) {
      expect(pattern).not.toMatch(/\(\?[!=<]|\\[pPuk1-9]/);
    }
  });

  test('every body and answer with members has a schema with a name, once', () => {
    const contents = operations.flatMap(({ requestBody, responses }) => [
      requestBody?.content ?? {},
      ...Object.values(responses).map(({ content = {} }) => content),
    ]);
    const schemas = contents.flatMap((content) => Object.values(content).map(({ schema }) => schema.items ?? schema));
    expect(schemas.filter(({ properties }) => properties !== undefined)).toEqual([]);
    expect(JSON.stringify(document.paths)).not.toContain('"title":');
    const named = Object.entries<Schema>(document.components.schemas);
    expect(named.length).toBeGreaterThan(50);
    for (const [name, schema] of named) {
      expect(name).toMatch(/^[A-Z][A-Za-z]+$/);
      expect(JSON.stringify([document.paths, named])).toContain(`"#/components/schemas/${name}"`);
      expect(schema.title).toBe(undefined);
    }
    const texts = named.map(([, schema]) => JSON.stringify(schema));
    expect(texts.filter((text, index) => texts.indexOf(text) !== index)).toEqual([]);
  });

  test('has no error by the recommended rules of Redocly', async () => {
    const problems = await lintFromString({
      source: JSON.stringify(document),
      config: await createConfig({ extends: ['recommended'] }),
    });
    const errors = problems.filter(({ severity }) => severity === 'error');
    expect(errors.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
  });

  test('a typed client is generated from it, and compiles', async () => {
    // Members with a default may be left out of a body, as `required` says.
    const options = { silent: true, defaultNonNullable: false };
    const api = astToString(await openapiTypescript(JSON.stringify(document), options));
    const folder = join(directory, 'typed-client');
    mkdirSync(folder);
    writeFileSync(join(folder, 'api.ts'), api);
    writeFileSync(
      join(folder, 'use.ts'),
      `import type { components, paths } from './api.ts';

type Client = components['schemas']['Client'];
type Clients = paths['/api/v1/oauth/client']['get']['responses'][200]['content']['application/json'];
export const ids = (page: Clients): string[] => page.items.map((client: Client) => client.client_id);
// @ts-expect-error: a client has no such member
export const none = (client: Client): unknown => client.no_such_member;

type Issuer = paths['/api/v1/oauth/issuer']['put']['requestBody']['content']['application/json'];
export const issuer: Issuer = { key: 'ci', issuer: 'https://ci.example', rules: [] };
// @ts-expect-error: the rules are missing
export const incomplete: Issuer = { key: 'ci', issuer: 'https://ci.example' };
`,
    );
    const tsc = fileURLToPath(new URL('../../../node_modules/.bin/tsc', import.meta.url));
    const flags = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--allowImportingTsExtensions',
      '--types',
      '',
    ];
    const { status, stdout } = spawnSync(tsc, [...flags, 'use.ts'], { cwd: folder, encoding: 'utf8' });
    expect([stdout, status]).toEqual(['', 0]);
  });

  test.for([
    ['Python', 'python3', ['-c', 'import json, re, sys; [re.compile(p) for p in json.load(sys.stdin)]']],
    ['Go', 'go', ['run', 'main.go']],
  ] as const)('its patterns compile in %s', ([language, program, args], { skip }) => {
    const version = spawnSync(program, [language === 'Go' ? 'version' : '--version'], { encoding: 'utf8' });
    if (version.status !== 0) {
      skip(`Skipped: ${program} is not installed, so nothing compiles the patterns in ${language}.`);
    }
    writeFileSync(
      join(directory, 'main.go'),
      `package main

import (
	"encoding/json"
	"os"
	"regexp"
)

func main() {
	var patterns []string
	if err := json.NewDecoder(os.Stdin).Decode(&patterns); err != nil {
		panic(err)
	}
	for _, pattern := range patterns {
		regexp.MustCompile(pattern)
	}
}
`,
    );
    const { status, stderr } = spawnSync(program, args, {
      cwd: directory,
      encoding: 'utf8',
      input: JSON.stringify(patternsIn(document)),
    });
    expect([stderr, status]).toEqual(['', 0]);
  });

  test('has every call that the how-to makes, once', () => {
    const calls = operations.map(({ method, path }) => `${method} ${path}`);
    expect(calls).toEqual(
      expect.arrayContaining([
        'post /api/v1/oauth/token',
        'post /api/v1/oauth/client',
        'delete /api/v1/oauth/client/{client_id}',
        'put /api/v1/oauth/client/{client_id}/scope',
        'get /api/v1/oauth/scope',
        'put /api/v1/policy',
        'get /api/v1/policy/{policy_key}/rule',
      ]),
    );
    for (const hidden of ['/', '/api/', '/api/json', '/openapi.json', '/api/v1/oauth/scopes']) {
      expect(calls).not.toContain(`get ${hidden}`);
    }
    expect(calls.filter((name) => name.startsWith('head '))).toEqual([]);
  });

  test('operation ids are unique, and those of FastAPI', () => {
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operationId, method, path } of operations) {
      expect(operationId).toMatch(/^(?!undefined)\w+$/);
      expect(operationId.endsWith(`${path.replaceAll(/\W/g, '_')}_${method}`)).toBe(true);
    }
    expect(ids).toContain('get_client_api_v1_oauth_client__client_id__get');
  });

  test('every operation says what it is, takes and answers', () => {
    for (const { method, path, summary, tags, responses, parameters = [] } of operations) {
      expect([method, path, summary]).toEqual([method, path, expect.stringMatching(/\w/)]);
      expect(tags).toHaveLength(1);
      const codes = Object.keys(responses);
      expect(codes.filter((code) => code.startsWith('2'))).toHaveLength(1);
      for (const { description } of Object.values(responses)) {
        expect(description).toMatch(/^(?!Default Response)\w/);
      }
      const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`);
      expect(inPath).toEqual(path.match(/\{\w+\}/g) ?? []);
    }
  });

  test('every call but the ones for a token, discovery, health and metrics names the scope that it requires', () => {
    const open = operations.filter(({ security }) => security?.length === 0).map(({ path }) => path);
    expect(open.toSorted()).toEqual([
      '/.well-known/jwks.json',
      '/.well-known/oauth-authorization-server',
      '/.well-known/oauth-protected-resource',
      '/.well-known/revocation-feed-jwks.json',
      '/.well-known/ssf-configuration',
      '/api/v1/oauth/introspect',
      '/api/v1/oauth/register',
      '/api/v1/oauth/register/{client_id}',
      '/api/v1/oauth/register/{client_id}',
      '/api/v1/oauth/register/{client_id}',
      '/api/v1/oauth/revoke',
      '/api/v1/oauth/token',
      '/api/v1/session',
      '/api/v1/session',
      '/api/v1/session',
      '/api/v1/session/code',
      '/api/v1/session/token',
      '/health',
      '/health/ready',
      '/metrics',
    ]);
    expect(operations.filter(isOptional).map(({ path }) => path)).toEqual(['/api/v1/oauth/explain']);
    expect(
      operations.filter((one) => one.security?.length !== 0 && takesAnyToken(one)).map(({ path }) => path),
    ).toEqual(['/api/v1/whoami']);
    for (const { security, description, responses } of guarded()) {
      for (const [scope] of (security ?? []).map(({ bearer }) => bearer ?? [])) {
        expect(scope).toMatch(/^[a-z_]+[:.][a-z_]+$/);
        expect(description).toContain(`Requires the scope \`${scope}\`.`);
        expect(Object.keys(responses)).toEqual(expect.arrayContaining(['401', '403']));
      }
    }
    expect(document.components.securitySchemes.bearer).toMatchObject({ type: 'http', scheme: 'bearer' });
  });

  test('and the server asks for that same scope', async () => {
    const headers = { authorization: `Bearer ${await tokenWithoutScopes()}` };
    for (const { security, method, path } of guarded()) {
      const url = server.url + path.replaceAll(/\{\w+\}/g, 'x');
      const answer = await call(method.toUpperCase(), url, headers);
      expect([path, answer.status]).toEqual([path, 403]);
      expect(answer.headers.get('www-authenticate')).toContain(`scope="${security?.[0]?.['bearer']?.[0]}"`);
    }
  });

  test('every POST of which no member is required takes an empty body, whatever its Content-Type says', async () => {
    const authorization = () =>
      acquireToken(server.url, rootCredentials(server.dataDir)).then((token) => `Bearer ${token}`);
    const post = async (path: string, body?: string, type?: string) => {
      const headers = { authorization: await authorization(), ...(type !== undefined && { 'content-type': type }) };
      return call('POST', server.url + path, headers, body);
    };
    /** What the call needs in its path or as its token is created for it alone. */
    const prepare: Readonly<Record<string, () => Promise<readonly [path: string, token?: string]>>> = {
      '/api/v1/oauth/client/{client_id}/secret': async () => [`${await newClient()}/secret`],
      '/api/v1/oauth/client/{client_id}/revoke': async () => [`${await newClient()}/revoke`],
      '/api/v1/oauth/client-document/{client_id}/reject': async () => ['/api/v1/oauth/client-document/unknown/reject'],
      '/api/v1/oauth/key/{kid}/revoke': async () => ['/api/v1/oauth/key/unknown/revoke'],
      '/api/v1/oauth/register': async () => ['/api/v1/oauth/register', await newInitialToken()],
      '/api/v1/ssf/poll/{stream_id}': async () => ['/api/v1/ssf/poll/unknown'],
    };
    const newClient = async () => `/api/v1/oauth/client/${(await post('/api/v1/oauth/client')).body.client_id}`;
    const newInitialToken = async () =>
      (await post('/api/v1/oauth/initial-access-token', '{"scopes":[]}', 'application/json')).body.initial_access_token;
    const optional = operations.filter(
      ({ method, path, tags, requestBody }) =>
        method === 'post' &&
        // A session begins by one of several members, and what is revoked is named by one of several.
        !tags.includes('Sessions') &&
        !path.startsWith('/api/v1/oauth/revoke_one') &&
        Object.values(requestBody?.content ?? {}).every(({ schema }) => (resolve(schema).required ?? []).length === 0),
    );
    expect(optional.map(({ path }) => path).toSorted()).toEqual([
      '/api/v1/oauth/client',
      '/api/v1/oauth/client-document/{client_id}/reject',
      '/api/v1/oauth/client/{client_id}/revoke',
      '/api/v1/oauth/client/{client_id}/secret',
      '/api/v1/oauth/key/rotate',
      '/api/v1/oauth/key/{kid}/revoke',
      '/api/v1/oauth/register',
      '/api/v1/oauth/revoke_all',
      '/api/v1/ssf/poll/{stream_id}',
      '/api/v1/ssf/stream',
    ]);
    for (const { path, requestBody } of optional) {
      expect([path, requestBody?.required ?? false]).toEqual([path, false]);
      const answers: [body: string | undefined, type: string | undefined, status: number][] = [
        ['{}', 'application/json', 0],
        [undefined, undefined, 0],
        [undefined, 'application/json', 0],
        ['', 'application/json', 0],
        ['', 'application/x-www-form-urlencoded', 0],
        ['', 'text/plain;charset=UTF-8', 0],
      ];
      for (const answer of answers) {
        const [target, token] = (await prepare[path]?.()) ?? [path];
        const type = answer[1] === undefined ? {} : { 'content-type': answer[1] };
        const headers = { authorization: token === undefined ? await authorization() : `Bearer ${token}`, ...type };
        const { status, body } = await call('POST', server.url + target, headers, answer[0]);
        answer[2] = status;
        if (path.endsWith('/rotate')) {
          await call('DELETE', `${server.url}/api/v1/oauth/key/${body.kid}`, { authorization: await authorization() });
        }
      }
      const [[, , status]] = answers as [[unknown, unknown, number]];
      expect([path, status]).toEqual([
        path,
        /\{(kid|stream_id)\}|client-document/.test(path) ? 404 : expect.toSatisfy((code) => code < 300),
      ]);
      expect([path, answers.filter((answer) => answer[2] !== status)]).toEqual([path, []]);
    }
  });

  test('the token endpoint takes a form', () => {
    const token = operations.find(({ path }) => path === '/api/v1/oauth/token');
    expect(Object.keys(token?.requestBody?.content ?? {})).toEqual(['application/x-www-form-urlencoded']);
  });

  test('every reference resolves', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target ?? '');
    for (const reference of references) {
      expect(reference).toMatch(/^#\//);
      const steps = reference.slice(2).split('/');
      const target = steps.reduce((node, step) => node?.[step.replaceAll('~1', '/').replaceAll('~0', '~')], document);
      expect([reference, target]).toEqual([reference, expect.anything()]);
    }
  });

  async function tokenWithoutScopes(): Promise<string> {
    const authorization = `Bearer ${await acquireToken(server.url, rootCredentials(server.dataDir))}`;
    const { body } = await call('POST', `${server.url}/api/v1/oauth/client`, { authorization });
    return acquireToken(server.url, { clientId: body.client_id, clientSecret: body.client_secret });
  }
});

test.each(['/api', '/api/static/swagger-ui-bundle.js', '/openapi.json'])(
  '%s may load nothing from elsewhere, nor be framed',
  async (path) => {
    const { status, headers } = await fetch(server.url + path);
    expect(status).toBe(200);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none';/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  },
);

describe('/api in a browser', () => {
  let chromium: TestBrowser;
  let page: Page;
  /** What went wrong on the page: errors, which violations of its security policy are, and requests to elsewhere. */
  let faults: string[];

  beforeAll(async () => {
    chromium = await launchBrowser();
  });
  afterAll(() => chromium.close());
  beforeEach(async () => {
    faults = [];
    page = await chromium.browser.newPage({ viewport: { width: 1280, height: windowHeight } });
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        faults.push(message.text());
      }
    });
    page.on('requestfailed', (request) => faults.push(`failed: ${request.url()}`));
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol !== 'data:' && url.origin !== server.url) {
        faults.push(`elsewhere: ${url}`);
      }
    });
  });
  afterEach(async () => {
    await page.close();
    expect(faults).toEqual([]);
  });

  const windowHeight = 720;
  const readScopes = 'operations-OAuth-read_scopes_api_v1_oauth_scope_get';
  const acquireAccessToken = 'operations-OAuth-acquire_access_token_api_v1_oauth_token_post';
  const oauth = 'operations-tag-OAuth';

  /** Waits until the element is unfolded and its top is on the screen. */
  async function expectLanded(id: string): Promise<void> {
    const element = page.locator(`#${id}`);
    await element.locator('[aria-expanded=true]').first().waitFor();
    const top = async () => (await element.boundingBox())?.y;
    await expect.poll(top, { timeout: 10_000 }).toSatisfy((y: number) => y > -1 && y < windowHeight / 2);
  }

  /** Opens the page at the element, which takes seconds. */
  async function openAt(id: string, { open }: { open: number }): Promise<void> {
    await page.goto(`${server.url}/api#${id}`);
    await expectLanded(id);
    expect(await page.locator('.opblock.is-open').count()).toBe(open);
  }

  test('the hash of a tag lands there', () => openAt(oauth, { open: 0 }));

  test('the hash of an operation lands there, and axe finds no fault, with the operation that is open', async () => {
    await openAt(readScopes, { open: 1 });
    await page.locator(`#${readScopes} .opblock-section`).first().waitFor();
    await expectAccessible(page);
  });

  test('the printed address leads to it, and the open page follows a new hash, also into a folded section', async () => {
    await page.goto(server.url);
    expect(page.url()).toBe(`${server.url}/api`);
    await page.getByRole('heading', { name: 'Postern' }).waitFor();
    expect(await page.title()).toBe('Postern API');
    await page.locator(`#${oauth} .expand-operation`).click();
    await page.locator(`#${readScopes}`).waitFor({ state: 'detached' });
    for (const id of [readScopes, oauth, acquireAccessToken, readScopes]) {
      await page.evaluate(`location.hash = '${id}'`);
      await expectLanded(id);
    }
  });

  test('a hash that names nothing leaves the page as it is', async () => {
    await page.goto(`${server.url}/api#operations-OAuth-nothing%20at%20all`);
    await page.locator(`#${readScopes}`).waitFor();
    expect(await page.locator('.opblock.is-open').count()).toBe(0);
  });

  test('the hash of another one lands there, and a person gets a token, pastes it and makes a call', async () => {
    const { clientId, clientSecret } = rootCredentials(server.dataDir);
    await openAt(acquireAccessToken, { open: 1 });
    const tokenCall = page.locator(`#${acquireAccessToken}`);
    await tokenCall.getByRole('button', { name: 'Try it out' }).click();
    await tokenCall.getByPlaceholder('client_id').fill(clientId);
    await tokenCall.getByPlaceholder('client_secret').fill(clientSecret);
    await tokenCall.getByRole('button', { name: 'Execute' }).click();
    const answer = tokenCall.locator('.live-responses-table .response');
    expect(await answer.locator('.response-col_status').textContent()).toMatch(/^200\b/);
    const { access_token } = JSON.parse((await answer.locator('.highlight-code code').first().textContent()) ?? '');

    await page.getByRole('button', { name: 'Authorize' }).click();
    const dialog = page.locator('.modal-ux');
    await dialog.getByRole('textbox').fill(access_token);
    await dialog.getByRole('button', { name: 'Apply credentials' }).click();
    await dialog.getByRole('button', { name: 'Close' }).first().click();

    const scopesCall = page.locator(`#${readScopes}`);
    await scopesCall.locator('.opblock-control-arrow').click();
    await scopesCall.getByRole('button', { name: 'Try it out' }).click();
    await scopesCall.getByRole('button', { name: 'Execute' }).click();
    const scopes = scopesCall.locator('.live-responses-table .response');
    expect(await scopes.locator('.response-col_status').textContent()).toMatch(/^200\b/);
    expect(await scopes.textContent()).toContain('"policy:read"');
  });
});
