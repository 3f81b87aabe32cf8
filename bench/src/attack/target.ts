/** The server under attack, started as its users start it, and the calls of an attacker and of root. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Agent, request } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { BenchError } from '../bench-error.ts';
import type { RunningPostern } from '../token/postern.ts';
import { type Credentials, tokenForm } from '../token/token-request.ts';

export interface Answer {
  /** 0: the connection ended without an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Parsed if it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: attacks look into answers of every shape
  readonly body: any;
}

export interface Call {
  /** A Bearer token. */
  readonly token?: string | undefined;
  /** Text and bytes are sent as they are, everything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The attacker's own address, one of the loopback network. */
  readonly from?: string;
  /** Default: a new connection for each call, so that any worker may get it. */
  readonly agent?: Agent;
}

/** Longer than the server collects lines of its log. */
const logBatchMs = 300;

const formType = { 'content-type': 'application/x-www-form-urlencoded' };

export class Target {
  readonly url: string;
  readonly port: number;
  readonly database: 'sqlite' | 'postgres';
  readonly workers: number;
  /** Seconds of each measurement. */
  readonly seconds: number;
  readonly directory: string;
  readonly root: Credentials;
  readonly #postern: RunningPostern;
  readonly #databaseUrl: string | undefined;

  constructor(
    postern: RunningPostern,
    databaseUrl: string | undefined,
    options: Pick<Target, 'workers' | 'seconds' | 'directory'>,
  ) {
    this.#postern = postern;
    this.#databaseUrl = databaseUrl;
    this.url = postern.url;
    this.port = postern.port;
    this.root = postern.root;
    this.database = databaseUrl === undefined ? 'sqlite' : 'postgres';
    this.workers = options.workers;
    this.seconds = options.seconds;
    this.directory = options.directory;
  }

  /** Sends one request. Resolves with status 0 if the server closes the connection. */
  call(method: string, path: string, { token, body, headers = {}, from, agent }: Call = {}): Promise<Answer> {
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    const payload = isRaw ? Buffer.from(body as string) : body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve) => {
      const outgoing = request({
        host: '127.0.0.1',
        port: this.port,
        method,
        path,
        agent: agent ?? false,
        ...(from !== undefined && { localAddress: from }),
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(payload !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(payload),
          }),
          ...headers,
        },
      });
      outgoing.once('error', () => resolve({ status: 0, headers: {}, text: '', body: undefined }));
      outgoing.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('close', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parseJson(text) });
        });
      });
      outgoing.end(payload);
    });
  }

  /** Posts a form: its members, or its text as it is. */
  form(path: string, form: Readonly<Record<string, string>> | string, call: Call = {}): Promise<Answer> {
    const body = typeof form === 'string' ? form : new URLSearchParams(form).toString();
    return this.call('POST', path, { ...call, body, headers: { ...formType, ...call.headers } });
  }

  /** What the token endpoint answers to client_credentials. */
  requestToken(who: Credentials, more: Readonly<Record<string, string>> = {}, call: Call = {}): Promise<Answer> {
    return this.form(
      '/api/v1/oauth/token',
      { ...Object.fromEntries(new URLSearchParams(tokenForm(who))), ...more },
      call,
    );
  }

  /** Throws `BenchError` unless a token is issued. */
  async token(who: Credentials, more: Readonly<Record<string, string>> = {}): Promise<string> {
    return requireSuccess(await this.requestToken(who, more), 'a token').body.access_token;
  }

  rootToken(): Promise<string> {
    return this.token(this.root);
  }

  /** A call by root, which must succeed. */
  async asRoot(method: string, path: string, body?: unknown): Promise<Answer> {
    return requireSuccess(await this.call(method, path, { token: await this.rootToken(), body }), `${method} ${path}`);
  }

  /** A client that root creates. */
  async createClient(body: object): Promise<Credentials> {
    const { client_id: clientId, client_secret: clientSecret = '' } = (
      await this.asRoot('POST', '/api/v1/oauth/client', { name: 'attack', ...body })
    ).body;
    return { clientId, clientSecret };
  }

  /** Registers a client with an initial access token. */
  register(token: string, more: object = {}, call: Call = {}): Promise<Answer> {
    return this.call('POST', '/api/v1/oauth/register', { ...call, token, body: { client_name: 'x', ...more } });
  }

  /** A resource that root registers, with a name of its own; its identifier. */
  async createResource(body: object = {}): Promise<string> {
    const key = `r-${randomUUID()}`;
    const identifier = `https://${key}.example.com`;
    await this.asRoot('PUT', '/api/v1/oauth/resource', { key, identifier, scopes: ['policy:read'], ...body });
    return identifier;
  }

  /** All that the server has printed so far. It writes its log in batches. */
  async readLog(): Promise<string> {
    await sleep(logBatchMs);
    return readFileSync(`${this.directory}.log`, 'utf8');
  }

  /** Rows of a table, as somebody sees who reads the database. */
  async countRows(table: string): Promise<number> {
    const query = `select count(*) as rows from ${table}`;
    if (this.#databaseUrl === undefined) {
      const database = new DatabaseSync(join(this.directory, 'postern.db'), { readOnly: true });
      const row = database.prepare(query).get();
      database.close();
      return Number(row?.['rows']);
    }
    const client = new pg.Client(this.#databaseUrl);
    await client.connect();
    const { rows } = await client.query(query);
    await client.end();
    return Number(rows[0].rows);
  }

  /** The most resident memory so far of all its processes, in MB. */
  peakMemoryMb(): number {
    return Math.round((this.#postern.server.peakMemoryBytes() ?? Number.NaN) / 1_000_000);
  }
}

export function requireSuccess(answer: Answer, what: string): Answer {
  if (answer.status < 200 || answer.status >= 300) {
    throw new BenchError(`The attack could not be prepared: ${what}: ${answer.status} ${answer.text}`);
  }
  return answer;
}

/** Resolves when at least `seconds` of the minute of the clock are left. */
export async function untilMinuteHas(seconds: number): Promise<void> {
  const leftMs = 60_000 - (Date.now() % 60_000);
  if (leftMs < seconds * 1_000) {
    await sleep(leftMs + 100);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
