/**
 * How long APIs that verify tokens locally still accept a token after it was revoked: three nodes on one PostgreSQL, and guards
 * of Express, Fastify and Hono, each following another node. The time runs from the answer to the call that revokes it,
 * on the first node, to the first refusal by the last of the three.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { type ApiGuard, createApiGuard } from '@postern/guard';
import { protect as protectExpress } from '@postern/guard/express';
import { guardRoutes } from '@postern/guard/fastify';
import { protect as protectHono } from '@postern/guard/hono';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { keepResults, makeBenchDirectory, progress } from '../bench-files.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { formatTable } from '../table.ts';
import { administer, createClient, type RunningPostern, tokenPath } from '../token/postern.ts';
import { type Credentials, requestToken, tokenForm } from '../token/token-request.ts';
import { issuer, startNode } from './node.ts';
import { startPostgres } from './postgres.ts';

const rounds = 100;
const scope = 'policy:read';
const audience = 'https://api.example.com';
/** Milliseconds that APIs are asked again after. */
const askAgainMs = 1;
/** Milliseconds after which a token that still passes counts as never refused. */
const neverMs = 10_000;

interface Api {
  readonly url: string;
  close(): Promise<void>;
}

type Cut = (node: RunningPostern, client: Credentials, accessToken: string) => Promise<unknown>;

const cuts: Readonly<Record<string, Cut>> = {
  'revoke the token': (node, { clientId, clientSecret }, accessToken) =>
    fetch(`${node.url}/api/v1/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: clientId, client_secret: clientSecret, token: accessToken }),
    }),
  'delete the client': (node, { clientId }) => administer(node).clients.delete(clientId),
  'take the scope away': (node, { clientId }) => administer(node).clients.update(clientId, { scopes: [] }),
  'rotate the secret with a cut': (node, { clientId }) =>
    administer(node).secrets.rotate(clientId, { overlap_seconds: 0 }),
};

export async function benchRevocation(): Promise<void> {
  const directory = makeBenchDirectory();
  const postgres = await startPostgres();
  const nodes = [
    await startNode(directory, 'node-1', postgres.url),
    await startNode(directory, 'node-2', postgres.url),
    await startNode(directory, 'node-3', postgres.url),
  ] as const;
  await administer(nodes[0]).resources.save({ key: 'api', identifier: audience, scopes: [scope] });
  const guards = [await startGuard(nodes[0]), await startGuard(nodes[1]), await startGuard(nodes[2])] as const;
  const apis = [await serveExpress(guards[0]), await serveFastify(guards[1]), await serveHono(guards[2])];

  const latenciesMs: Record<string, number[]> = {};
  for (const [name, cut] of Object.entries(cuts)) {
    progress(`${rounds} times: ${name}`);
    latenciesMs[name] = [];
    for (let round = 0; round < rounds; round += 1) {
      latenciesMs[name].push(await timeOne(nodes[0], apis, cut));
    }
  }

  await Promise.all(apis.map((api) => api.close()));
  await Promise.all(guards.map((guard) => guard.close()));
  await Promise.all(nodes.map(({ server }) => server.stop()));
  await postgres.stop();
  console.log(
    [
      '',
      `From the answer to the refusal at the last of three APIs, ${rounds} times each; three nodes on one PostgreSQL`,
      formatMachine(describeMachine()),
      '',
      ...formatTable([
        ['', 'p50', 'p99', 'most', 'target', ''],
        ...Object.entries(latenciesMs).map(([name, values]) => {
          const sorted = values.toSorted((a, b) => a - b);
          const at = (part: number) => sorted[Math.ceil(part * sorted.length) - 1] as number;
          const format = (ms: number) => `${ms.toFixed(0)} ms`;
          const met = at(0.99) <= 1000;
          return [name, format(at(0.5)), format(at(0.99)), format(at(1)), 'p99 1000 ms', met ? 'met' : 'missed'];
        }),
      ]),
      '',
    ].join('\n'),
  );
  keepResults('revocation', { date: new Date().toISOString(), machine: describeMachine(), rounds, latenciesMs });
}

/** Milliseconds from the answer to the cut until no API takes the token any more. */
async function timeOne(node: RunningPostern, apis: readonly Api[], cut: Cut): Promise<number> {
  const client = await createClient(node, scope, { resources: [audience] });
  const answer = await requestToken(
    node.port,
    tokenPath,
    `${tokenForm(client)}&resource=${encodeURIComponent(audience)}`,
  );
  const { access_token: accessToken } = JSON.parse(answer) as { access_token: string };
  const statusAt = async (api: Api) => {
    const response = await fetch(api.url, { headers: { authorization: `Bearer ${accessToken}` } });
    await response.arrayBuffer();
    return response.status;
  };
  for (const api of apis) {
    const status = await statusAt(api);
    if (status !== 200) {
      throw new Error(`${api.url} answered ${status} to a good token`);
    }
  }
  await cut(node, client, accessToken);
  const answeredAt = performance.now();
  await Promise.all(
    apis.map(async (api) => {
      while ((await statusAt(api)) === 200) {
        if (performance.now() - answeredAt > neverMs) {
          throw new Error(`${api.url} still takes a token that was cut off ${neverMs} ms ago`);
        }
        await new Promise((resolve) => setTimeout(resolve, askAgainMs));
      }
    }),
  );
  return performance.now() - answeredAt;
}

/** A guard that asks `node` wherever it would ask the issuer. */
async function startGuard(node: RunningPostern): Promise<ApiGuard> {
  const token = JSON.parse(
    await requestToken(node.port, tokenPath, tokenForm(node.root, 'revocation:read')),
  ).access_token;
  const atNode = (url: string | URL | Request, init?: RequestInit) =>
    fetch(String(url).replace(issuer, node.url), init);
  const guard = createApiGuard({
    issuer,
    audience,
    fetch: atNode,
    revocations: {
      fetch: (url, init) => atNode(url, { ...init, headers: { ...init?.headers, authorization: `Bearer ${token}` } }),
    },
  });
  await guard.start();
  return guard;
}

async function serveExpress(guard: ApiGuard): Promise<Api> {
  const app = express();
  app.get('/', protectExpress(guard)(scope), (_request, response) => void response.json({}));
  return listen(createServer(app));
}

async function serveFastify(guard: ApiGuard): Promise<Api> {
  const app = Fastify();
  guardRoutes(app, guard);
  app.get('/', { config: { scope } }, async () => ({}));
  await app.ready();
  return listen(app.server);
}

async function serveHono(guard: ApiGuard): Promise<Api> {
  const app = new Hono();
  app.get('/', protectHono(guard)(scope), (context) => context.json({}));
  return listen(createAdaptorServer(app) as Server);
}

async function listen(server: Server): Promise<Api> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
