/**
 * Faults under load, on real processes: a node killed, PostgreSQL restarted and paused, a full disk. Nothing that was
 * acknowledged is lost, what cannot be done is 503 with a Retry-After, and all is well again when the fault is over.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { type OwnPostgres, startOwnPostgres } from '@postern/testing/own-postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type Answer,
  acquireToken,
  call,
  makeTemporaryDirectory,
  postForm,
  type RootCredentials,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';
import { inParallel } from './in-parallel.ts';

const root: RootCredentials = { clientId: 'root', clientSecret: randomBytes(32).toString('hex') };
/** The most that waiting for a condition may take before it counts as never. */
const patience = { timeout: 30_000, interval: 20 };

let directory: string;
const servers: ServeProcess[] = [];

beforeAll(() => {
  directory = makeTemporaryDirectory();
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});
afterAll(() => removeDirectory(directory));

const bearer = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });
const createClient = (server: ServeProcess, token: string) =>
  call('POST', `${server.url}/api/v1/oauth/client`, bearer(token), '{"scopes":["scope:read"]}');
const askForToken = (server: ServeProcess, { clientId, clientSecret }: RootCredentials) =>
  postForm(
    `${server.url}/api/v1/oauth/token`,
    'grant_type=client_credentials',
    `client_id=${clientId}`,
    `client_secret=${clientSecret}`,
  );
const credentialsOf = ({ body }: Answer): RootCredentials => ({
  clientId: body.client_id,
  clientSecret: body.client_secret,
});

/** A call that the fault does not let through: 503, and when to come back. */
function expectUnavailable({ status, headers, body }: Answer): void {
  expect([status, body.error]).toEqual([503, 'temporarily_unavailable']);
  expect(headers.get('retry-after')).toMatch(/^\d+$/);
}

interface Load {
  /** Clients whose creation was acknowledged. */
  readonly created: RootCredentials[];
  /** Answers that were neither done nor 503, and errors of connections. */
  readonly faults: string[];
  /** How many tokens were issued and refused so far. */
  readonly tokens: { issued: number; refused: number };
  stop(): Promise<void>;
}

/** Makes clients on every server, and asks for tokens of `known`, until it is stopped. */
function startLoad(targets: readonly ServeProcess[], token: string, known: RootCredentials): Load {
  const load = { created: [] as RootCredentials[], faults: [] as string[], tokens: { issued: 0, refused: 0 } };
  let stopped = false;
  const untilStopped = async (work: () => Promise<void>) => {
    while (!stopped) {
      await work().catch((error: Error) => void load.faults.push(String(error.cause ?? error)));
    }
  };
  const workers = targets.flatMap((server) => [
    untilStopped(async () => {
      const answer = await createClient(server, token);
      if (answer.status === 200) {
        load.created.push(credentialsOf(answer));
      } else if (answer.status === 503) {
        expectUnavailable(answer);
      } else {
        load.faults.push(`${answer.status} ${JSON.stringify(answer.body)}`);
      }
    }),
    untilStopped(async () => {
      const answer = await askForToken(server, known);
      if (answer.status === 200) {
        load.tokens.issued += 1;
      } else if (answer.status === 503) {
        expectUnavailable(answer);
        load.tokens.refused += 1;
      } else {
        load.faults.push(`${answer.status} ${JSON.stringify(answer.body)}`);
      }
    }),
  ]);
  return {
    ...load,
    async stop() {
      stopped = true;
      await Promise.all(workers);
    },
  };
}

/** Which of the clients do not get a token. */
async function findLost(server: ServeProcess, clients: readonly RootCredentials[]): Promise<string[]> {
  const lost: string[] = [];
  await inParallel(clients, 8, async (client) => {
    const { status } = await askForToken(server, client);
    if (status !== 200) {
      lost.push(client.clientId);
    }
  });
  return lost;
}

describe('on PostgreSQL', () => {
  let postgres: OwnPostgres;
  const issuer = 'https://auth.example.com';
  const masterKey = randomBytes(32).toString('base64');

  beforeAll(async () => {
    postgres = await startOwnPostgres();
  });
  afterAll(() => postgres.stop());

  const startNode = async (env: Record<string, string> = {}) => {
    const server = await startServe(directory, {
      env: {
        DATABASE_URL: postgres.url,
        POSTERN_MASTER_KEY: masterKey,
        POSTERN_ISSUER: issuer,
        OAUTH_ROOT_CLIENT_ID: root.clientId,
        OAUTH_ROOT_CLIENT_SECRET: root.clientSecret,
        POSTERN_DATABASE_TIMEOUT_MS: '500',
        POSTERN_LOG_LEVEL: 'warn',
        ...env,
      },
    });
    servers.push(server);
    return server;
  };

  test('a node that is killed loses nothing, and the other continues', { timeout: 120_000 }, async () => {
    const [a, b] = [await startNode(), await startNode()];
    const token = await acquireToken(a.url, root);
    const known = credentialsOf(await createClient(a, token));
    const onA = startLoad([a], token, known);
    const onB = startLoad([b], token, known);
    await vi.waitFor(() => expect(Math.min(onA.created.length, onB.created.length)).toBeGreaterThan(20), patience);
    a.signal('SIGKILL');
    await a.exit;
    await onA.stop();
    const before = onB.created.length;
    await vi.waitFor(() => expect(onB.created.length).toBeGreaterThan(before + 20), patience);
    await onB.stop();

    expect(onB.faults).toEqual([]);
    const all = [...onA.created, ...onB.created];
    expect(await findLost(b, all)).toEqual([]);
    expect(await findLost(await startNode(), all)).toEqual([]);
  });

  test('a restart of PostgreSQL loses nothing, and tokens are issued meanwhile', { timeout: 120_000 }, async () => {
    const [a, b] = [await startNode(), await startNode()];
    const token = await acquireToken(a.url, root);
    const known = credentialsOf(await createClient(a, token));
    expect(await findLost(b, [known])).toEqual([]);
    const load = startLoad([a, b], token, known);
    await vi.waitFor(() => expect(load.created.length).toBeGreaterThan(20), patience);
    await postgres.restart();
    const before = load.created.length;
    await vi.waitFor(() => expect(load.created.length).toBeGreaterThan(before + 20), patience);
    await load.stop();

    expect(load.faults).toEqual([]);
    expect(load.tokens.refused).toBe(0);
    expect(await findLost(a, load.created)).toEqual([]);
    expect(await findLost(b, load.created)).toEqual([]);
  });

  test('a PostgreSQL that hangs hangs nobody: known clients get tokens for a while, all else is 503, and a revoked token never passes', {
    timeout: 120_000,
  }, async () => {
    const node = await startNode({ POSTERN_MAX_STALENESS_SECONDS: '4' });
    const token = await acquireToken(node.url, root);
    const known = credentialsOf(await createClient(node, token));
    const unknown = credentialsOf(await createClient(node, token));
    const revoked = await acquireToken(node.url, known);
    const readScopes = (bearerToken: string) =>
      call('GET', `${node.url}/api/v1/oauth/scope`, { authorization: `Bearer ${bearerToken}` });
    await postForm(
      `${node.url}/api/v1/oauth/revoke`,
      `client_id=${known.clientId}`,
      `client_secret=${known.clientSecret}`,
      `token=${revoked}`,
    );
    expect((await readScopes(revoked)).status).toBe(401);
    const good = await acquireToken(node.url, known);

    postgres.pause();
    try {
      const creation = createClient(node, token);
      const other = askForToken(node, unknown);
      expect((await askForToken(node, known)).status).toBe(200);
      expect((await readScopes(good)).status).toBe(200);
      expect((await readScopes(revoked)).status).toBe(401);
      expectUnavailable(await creation);
      expectUnavailable(await other);
      // Then it has been on its own for too long.
      await vi.waitFor(async () => expectUnavailable(await askForToken(node, known)), patience);
      expectUnavailable(await readScopes(good));
      expect((await readScopes(revoked)).status).not.toBe(200);
      expectUnavailable(await call('GET', `${node.url}/health/ready`));
      expect((await call('GET', `${node.url}/health`)).status).toBe(200);
    } finally {
      postgres.resume();
    }
    await vi.waitFor(async () => expect((await askForToken(node, known)).status).toBe(200), patience);
    await vi.waitFor(async () => expect((await createClient(node, token)).status).toBe(200), patience);
    expect((await readScopes(good)).status).toBe(200);
    expect((await readScopes(revoked)).status).toBe(401);
    expect(await findLost(node, [known, unknown])).toEqual([]);
  });
});

/** Limits how large a file of the process may grow, which is how a full disk looks to it. Linux only. */
function limitFileSize(server: ServeProcess, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(server.pid), `--fsize=${bytes}:unlimited`]);
}

describe.runIf(process.platform === 'linux')('on SQLite', () => {
  test('a full disk loses nothing: writes are 503 until there is room, and tokens are issued', {
    timeout: 120_000,
  }, async () => {
    const server = await startServe(directory, { env: { POSTERN_LOG_LEVEL: 'warn' } });
    servers.push(server);
    const token = await acquireToken(server.url, rootCredentials(server.dataDir));
    const known = credentialsOf(await createClient(server, token));
    const created = [known];
    limitFileSize(server, 1_000_000);
    let answer = await createClient(server, token);
    while (answer.status === 200) {
      created.push(credentialsOf(answer));
      answer = await createClient(server, token);
    }
    expectUnavailable(answer);
    expectUnavailable(await createClient(server, token));
    expect((await askForToken(server, known)).status).toBe(200);

    limitFileSize(server, 'unlimited');
    await vi.waitFor(async () => expect((await createClient(server, token)).status).toBe(200), patience);
    expect(await findLost(server, created)).toEqual([]);
    await server.stop();
    const again = await startServe(directory, { port: server.port });
    servers.push(again);
    expect(await findLost(again, created)).toEqual([]);
  });
});
