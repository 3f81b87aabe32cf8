/** Each job of the table in docs/console.md, performed by its command word for word; things are called by their names. */
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acquireToken,
  type Exit,
  makeTemporaryDirectory,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';
import { type Job, readJobs } from './job-table.ts';
import { type SignedIn, signIn } from './signed-in.ts';

const jobs = readJobs();

let directory: string;
let server: ServeProcess;
let root: SignedIn;

const file = (name: string, content: unknown) => {
  const path = join(directory, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  server = await startServe(directory, { env: { POSTERN_REGISTRATION: 'initial_access_token' } });
  root = await signIn(server.url, rootCredentials(server.dataDir));
  await root.json('scope', 'set', 'invoice:read', '--description', 'Read invoices');
  await root.json(
    'resource',
    'set',
    'billing',
    '--identifier',
    'https://billing.example.com',
    '--scope',
    'invoice:read',
  );
  await root.json('client', 'create', '--name', 'gateway');
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  file('keys.json', { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a', use: 'sig', alg: 'ES256' }] });
  file('github.json', {
    issuer: 'https://issuer.example.com',
    jwks: { keys: [publicKey.export({ format: 'jwk' })] },
    rules: [],
  });
  file('payment.json', { type: 'object', properties: { amount: { type: 'number' } } });
  file('all.json', { max_access_token_ttl_seconds: 86_400 * 30 });
});
afterAll(async () => {
  root.forget();
  await server.stop();
  removeDirectory(directory);
});

const show = () => root.json('client', 'show', 'billing');

/** What a job needs that no job before it has done, and words of the table that stand for something. */
const preparations: Readonly<Record<string, () => Promise<Readonly<Record<string, string>>>>> = {
  async 'Delete one of its secrets'() {
    const [{ secret_id }] = (await show()).secrets;
    return { SECRET_ID: secret_id };
  },
  async 'Replace its public keys, or name their URL'() {
    await root.json(
      'client',
      'update',
      'billing',
      '--auth-method',
      'private_key_jwt',
      '--jwks-file',
      join(directory, 'keys.json'),
    );
    return {};
  },
  async 'Learn why a token is refused'() {
    file('token.txt', await acquireToken(server.url, rootCredentials(server.dataDir)));
    return {};
  },
  async 'Revoke a signing key that has leaked'() {
    const all = await root.json('key', 'list');
    return { KID: all.find(({ status }: { status: string }) => status === 'signing').kid.slice(0, 12) };
  },
};

/** What is so afterwards, for the jobs of which the exit code alone would not tell. */
const results: Readonly<Record<string, (exit: Exit) => Promise<void>>> = {
  async 'Create a client for an API'() {
    expect(await show()).toMatchObject({ scopes: ['invoice:read'], default_resource: 'https://billing.example.com' });
  },
  async 'Find a client'({ stdout }) {
    expect(stdout).toContain('billing');
  },
  async 'Rotate its secret'() {
    expect((await show()).secrets).toHaveLength(2);
  },
  async 'Delete one of its secrets'() {
    expect((await show()).secrets).toHaveLength(1);
  },
  async 'Let another client act for it'({ stderr }) {
    const { client_id } = await root.json('client', 'show', 'gateway');
    expect((await show()).may_act).toBe(client_id);
    expect(stderr).toContain(`gateway is the client ${client_id}.`);
  },
  async 'Disable it'() {
    expect((await show()).enabled).toBe(false);
  },
  async 'Delete it'() {
    expect(await root.run('client', 'show', 'billing')).toMatchObject({ code: 1 });
  },
  async 'Learn why a token is refused'({ stdout }) {
    expect(stdout).toContain('issuer');
  },
  async 'See who changed what'({ stdout }) {
    expect(stdout).toMatch(/client\.deleted {2}billing \(\w+\) {2}by root /);
  },
  async 'Keep a checkpoint of the audit trail'({ stdout }) {
    expect(JSON.parse(stdout)).toHaveProperty('signature');
  },
};

test('the table has thirty jobs, and what is prepared or expected here is of one of them', () => {
  const names = jobs.map(({ job }) => job);
  expect(new Set(names).size).toBe(30);
  expect(names).toEqual(expect.arrayContaining([...Object.keys(preparations), ...Object.keys(results)]));
  expect(jobs.filter(({ words }) => words.length === 0)).toEqual([]);
});

test.each(jobs)('$job', async ({ job, words, input }: Job) => {
  const values: Readonly<Record<string, string>> = (await preparations[job]?.()) ?? {};
  const args = words.map((word) => values[word] ?? (word.endsWith('.json') ? join(directory, word) : word));
  const yes = ['delete', 'delete-secret', 'revoke', 'revoke-all-tokens'].some((verb) =>
    words.slice(0, 2).includes(verb),
  );
  const exit = await root.pipe(
    input === undefined ? '' : readFileSync(join(directory, input), 'utf8'),
    ...args,
    ...(yes ? ['--yes'] : []),
  );
  expect(exit, exit.stderr).toMatchObject({ code: 0 });
  await results[job]?.(exit);
});

test('a name that several clients have is an error that names their ids, and an id is never taken for a name', async () => {
  const one = (await root.json('client', 'create', '--name', 'twin')).client_id;
  const other = (await root.json('client', 'create', '--name', 'twin')).client_id;
  for (const args of [
    ['client', 'show', 'twin'],
    ['client', 'delete', 'twin', '--yes'],
    ['client', 'update', 'gateway', '--may-act', 'twin'],
    ['failures', '--client', 'twin'],
    ['audit', 'tail', '--subject', 'twin'],
    ['resource', 'set', 'billing', '--introspection-client', 'twin'],
  ]) {
    const { code, stderr } = await root.run(...args);
    expect([code, stderr], args.join(' ')).toEqual([2, expect.stringContaining('Write the id of one.')]);
    expect(stderr).toContain(one);
    expect(stderr).toContain(other);
  }
  await root.json('client', 'update', other, '--name', one);
  expect((await root.json('client', 'show', one)).client_id).toBe(one);
  expect((await root.run('client', 'show', 'nobody')).stderr).toContain('nobody');
});

test('resources and issuers are found by their URLs, keys by their beginning, the rest by name', async () => {
  expect((await root.json('resource', 'show', 'https://billing.example.com')).key).toBe('billing');
  expect((await root.json('issuer', 'show', 'https://issuer.example.com')).key).toBe('github');
  expect((await root.json('storage', 'show', 'Exports')).key).toBe('exports');
  expect((await root.json('policy', 'show', 'E-mail addresses')).key).toBe('emails');
  const token = await root.json('initial-access-token', 'create', '--name', 'ci', '--scope', 'invoice:read');
  expect((await root.json('initial-access-token', 'show', 'ci')).id).toBe(token.id);
  await root.json('key', 'rotate');
  const waiting = (await root.json('key', 'list')).find(({ status }: { status: string }) => status === 'next');
  const { stdout } = await root.run('key', 'delete', waiting.kid.slice(0, 12), '--yes');
  expect(stdout).toBe(`Signing key ${waiting.kid} deleted.\n`);
});

test('who may not read clients still names them by id', async () => {
  const { client_id } = await root.json('client', 'create', '--name', 'leaver');
  const [id, secret] = await root
    .json('client', 'create', '--scope', 'client:delete')
    .then((created) => [created.client_id, created.client_secret]);
  const deleter = await signIn(server.url, { clientId: id, clientSecret: secret });
  expect((await deleter.run('client', 'delete', client_id, '--yes')).code).toBe(0);
  deleter.forget();
});
