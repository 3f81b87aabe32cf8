/** The policy API for tests: hosted by a real server, which guards it, in the server's database. */
import type { Apis } from '@postern/server';
import { type Answer, startTestServer, type TestServer } from '@postern/testing/test-server';
import type { FastifySchema } from 'fastify';
import { policyApi, policyMigrations, policyTables } from '../src/index.ts';

export interface PolicyServer extends TestServer {
  /** Sends a request as root, which has every scope. The path is below `/api/v1`. */
  api(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Sends any text as the body, as root. */
  send(method: string, path: string, text: string, contentType?: string): Promise<Answer>;
  /** Writes one element and returns it as it was written; throws if the API refuses it. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  put(path: string, element: unknown): Promise<any>;
  /** Writes one element that the API must refuse, and returns the message; throws if it is written. */
  refusal(path: string, element: unknown): Promise<string>;
  /** Removes all policies and storage destinations, so that tests can share a server. */
  clear(): Promise<void>;
  /** The routes that the API registered, without the HEAD that belongs to each GET. */
  readonly routes: readonly PolicyRoute[];
}

export interface PolicyRoute {
  readonly method: string;
  readonly url: string;
  readonly scope: string | undefined;
  readonly schema: FastifySchema | undefined;
}

/** Hosts the API as the `postern` command does. */
export const hostPolicies: Apis = async (app, { db, events, guard, now }) => {
  app.register(policyApi, {
    db: policyTables(db),
    change: (token, work) => events.change(token, (transaction, append) => work(policyTables(transaction), append)),
    guard,
    now,
  });
};

export async function startPolicyServer(): Promise<PolicyServer> {
  const routes: PolicyRoute[] = [];
  const server = await startTestServer({
    before: (app) => {
      app.addHook('onRoute', ({ method, url, config, schema }) => {
        if (method !== 'HEAD' && /^\/api\/v1\/(?:policy|storage)/.test(url)) {
          routes.push({ method: String(method), url, scope: config?.scope, schema });
        }
      });
    },
    hosted: { migrations: policyMigrations, apis: hostPolicies },
  });
  const token = await server.rootToken();
  const api: PolicyServer['api'] = (method, path, body) =>
    server.call(method, `/api/v1${path}`, { token, ...(body !== undefined && { body }) });
  return {
    ...server,
    routes,
    api,
    async send(method, path, text, contentType = 'application/json') {
      const response = await fetch(`${server.url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
        body: text,
      });
      return { status: response.status, headers: response.headers, body: await response.json() };
    },
    async clear() {
      const db = policyTables(server.db);
      for (const table of ['policy_rule_targets', 'policy_rules', 'policies', 'storage_configs'] as const) {
        await db.deleteFrom(table).execute();
      }
    },
    async put(path, element) {
      const { status, body } = await api('PUT', path, [element]);
      if (status !== 200 || body.succeeded.length !== 1) {
        throw new Error(`not written: ${status} ${JSON.stringify(body)}`);
      }
      return body.succeeded[0];
    },
    async refusal(path, element) {
      const { status, body } = await api('PUT', path, [element]);
      if (status !== 200 || body.failed.length !== 1 || body.succeeded.length !== 0) {
        throw new Error(`written: ${status} ${JSON.stringify(body)}`);
      }
      return body.failed[0].message;
    },
  };
}
