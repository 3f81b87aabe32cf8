/** A real server with a real database, which tests call over HTTP. A test moves its clock. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Apis,
  authorizationServer,
  type ConnectionLimits,
  connectionLimits,
  httpOptions,
  type Installation,
  type MigrationSet,
  openInstallation,
  readConfig,
} from '@postern/server';
import Fastify, { type FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { pino } from 'pino';
import { createClock } from './clock.ts';
import { freePort } from './free-port.ts';
import { type Answer, type Sent, sendByFetch, sendOverHttp } from './http-client.ts';
import { testDatabase } from './test-database.ts';

export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

export type { Answer };

export interface TestServer {
  readonly app: FastifyInstance;
  /** Its address and its issuer identifier. */
  readonly url: string;
  readonly root: Credentials;
  readonly dataDir: string;
  /** The server's own connection. */
  readonly db: Installation['db'];
  /** The key that encrypts its signing keys. */
  readonly masterKey: Installation['masterKey'];
  /** The lines that the server has logged. */
  readonly log: readonly string[];
  /** Moves the server's clock, and resolves when each of its repeated tasks has run once. */
  advance(seconds: number): Promise<void>;
  /** Moves its wall clock only. */
  jump(seconds: number): void;
  /** Sends a request; `body` is sent as JSON. */
  call(method: string, path: string, options?: { token?: string | undefined; body?: unknown }): Promise<Answer>;
  /** Posts a form to the token endpoint. */
  postForm(path: string, form: Record<string, string>, headers?: Record<string, string>): Promise<Answer>;
  /** An access token by client_credentials; throws if the server issues none. */
  token(credentials: Credentials, scope?: string): Promise<string>;
  rootToken(): Promise<string>;
  /** All rows of a table. */
  rows(table: string): Promise<unknown[]>;
  /** The events of the log about `subject`, in order. */
  eventsAbout(subject: unknown): Promise<{ actor: string; kind: string; data: unknown }[]>;
  /** Creates a client as root. */
  createClient(body: unknown): Promise<Credentials>;
  /** The time of the server's clock, in milliseconds since 1970. */
  now(): number;
  close(): Promise<void>;
}

export interface TestServerOptions {
  readonly env?: Record<string, string>;
  /** Sends the requests of this object's own functions. Default: plain HTTP. */
  readonly fetch?: typeof fetch;
  /** That of an earlier server, to start with its data. Default: a new one, which `close` removes. */
  readonly dataDir?: string;
  /** Default: those of a server, which closes without a second of patience. */
  readonly limits?: Partial<ConnectionLimits>;
  /** Receives the app before it has routes. */
  readonly before?: (app: FastifyInstance) => void;
  /** An API that the server hosts, with its tables. */
  readonly hosted?: { readonly migrations: MigrationSet; readonly apis: Apis };
  /** Registers more on the app before it listens. */
  readonly extend?: (app: FastifyInstance, server: { now: () => number; installation: Installation }) => Promise<void>;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'postern-test-'));
  const database = await testDatabase(dataDir);
  const port = await freePort();
  const url = `${options.env?.['POSTERN_TLS_CERT_FILE'] === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const { fetch } = options;
  const send = (path: string, sent: Sent) =>
    fetch === undefined ? sendOverHttp(url + path, sent) : sendByFetch(fetch, url + path, sent);
  const config = readConfig({
    PORT: String(port),
    POSTERN_DATA_DIR: dataDir,
    POSTERN_ISSUER: url,
    // A test moves the clock in leaps, during which no node reads the event log.
    POSTERN_MAX_STALENESS_SECONDS: '31536000',
    POSTERN_METRICS_PORT: String(port),
    // Many tests share a machine, so that everything is late.
    POSTERN_OVERLOAD_MS: '0',
    ...database.env,
    ...options.env,
  });
  const log: string[] = [];
  const logger = pino({ level: config.logLevel }, { write: (line: string) => void log.push(line) });
  const clock = createClock();

  const opened = await openInstallation(config, options.hosted === undefined ? [] : [options.hosted.migrations]);
  const openedAt = clock.now();
  // The clock of the database is right, whatever is done to that of the server.
  const readTime = async () => (config.database.kind === 'postgres' ? openedAt + clock.monotonic() : undefined);
  const installation = { ...opened, driver: { ...opened.driver, readTime } };
  const limits = { ...connectionLimits, drainMs: 0, ...options.limits };
  const app = Fastify(httpOptions(config, logger, limits));
  app.addHook('onClose', () => installation.db.destroy());
  options.before?.(app);
  await app.register(authorizationServer, {
    config,
    installation,
    clock,
    limits,
    ...(options.hosted !== undefined && { hosted: options.hosted.apis }),
  });
  await options.extend?.(app, { now: clock.now, installation });
  await app.listen({ host: config.host, port });

  const server: TestServer = {
    app,
    url,
    root: installation.root,
    dataDir,
    db: installation.db,
    masterKey: installation.masterKey,
    log,
    advance: clock.advance,
    jump: clock.jump,
    call: (method, path, { token, body } = {}) =>
      send(path, {
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    postForm: (path, form, headers = {}) =>
      send(path, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams(form).toString(),
      }),
    async token({ clientId, clientSecret }, scope) {
      const answer = await server.postForm('/api/v1/oauth/token', {
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: clientSecret,
        ...(scope !== undefined && { scope }),
      });
      if (answer.status !== 200) {
        throw new Error(`no token: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
      return answer.body.access_token;
    },
    rootToken: () => server.token(installation.root),
    rows: async (table) => (await sql`select * from ${sql.table(table)}`.execute(installation.db)).rows,
    async eventsAbout(subject) {
      const rows = await installation.db
        .selectFrom('events')
        .select(['actor', 'kind', 'data'])
        .where('subject', '=', String(subject))
        .orderBy('sequence')
        .execute();
      return rows.map(({ data, ...row }) => ({ ...row, data: JSON.parse(data) }));
    },
    async createClient(body) {
      const answer = await server.call('POST', '/api/v1/oauth/client', { token: await server.rootToken(), body });
      if (answer.status !== 200) {
        throw new Error(`no client: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
      return { clientId: answer.body.client_id, clientSecret: answer.body.client_secret };
    },
    now: clock.now,
    async close() {
      await app.close();
      if (options.dataDir === undefined) {
        rmSync(dataDir, { recursive: true });
        await database.drop();
      }
    },
  };
  return server;
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}
