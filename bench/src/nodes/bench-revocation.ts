/**
 * How long APIs that verify tokens locally still accept a token after it was revoked: three nodes on one PostgreSQL, and guards
 * of Express, Fastify and Hono, each following another node, `postern gate`, and a guard that follows an event stream. The time runs from the answer to the call that revokes
 * it, on the first node, to the first refusal by the last of the three; with all that was exchanged for it, by the last of all four.
 */
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAdaptorServer } from '@hono/node-server';
import { type ApiGuard, createApiGuard, type SharedSignalsOptions } from '@postern/guard';
import { protect as protectExpress } from '@postern/guard/express';
import { guardRoutes } from '@postern/guard/fastify';
import { protect as protectHono } from '@postern/guard/hono';
import { createServerIdentity } from '@postern/testing/certificates';
import { freePort } from '@postern/testing/free-port';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { keepResults, makeBenchDirectory, progress } from '../bench-files.ts';
import type { BenchOptions } from '../bench-options.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { ServerProcess } from '../server-process.ts';
import { formatTable } from '../table.ts';
import { administer, createClient, type RunningPostern, tokenPath } from '../token/postern.ts';
import { type Credentials, requestToken, tokenForm } from '../token/token-request.ts';
import { startNode } from './node.ts';
import { startPostgres } from './postgres.ts';
import { asReceiver, startPolling, startReceiving, timeEvents } from './ssf-receivers.ts';

const mostRounds = 100;
const scope = 'policy:read';
const audience = 'https://api.example.com';
/** Milliseconds that APIs are asked again after. */
const askAgainMs = 1;
/** Milliseconds after which a token that still passes counts as never refused. */
const neverMs = 10_000;

/** As deep as exchanges may be. */
const depth = 8;
const smallTree = 100;
const mostInTree = 10_000;
/** Trees of so many tokens, which take a while to grow. */
const mostTrees = 5;
/** Exchanges under way at a time. */
const atOnce = 16;
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';

const command = fileURLToPath(new URL('../../../node_modules/.bin/postern', import.meta.url));

interface Api {
  readonly url: string;
  /** What a call has beside its token. */
  readonly headers?: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

type Cut = (node: RunningPostern, client: Credentials, accessToken: string) => Promise<unknown>;

const revokeToken: Cut = (node, { clientId, clientSecret }, accessToken) =>
  fetch(`${node.url}/api/v1/oauth/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, client_secret: clientSecret, token: accessToken }),
  });

const cuts: Readonly<Record<string, Cut>> = {
  'revoke the token': revokeToken,
  'delete the client': (node, { clientId }) => administer(node).clients.delete(clientId),
  'take the scope away': (node, { clientId }) => administer(node).clients.update(clientId, { scopes: [] }),
  'rotate the secret with a cut': (node, { clientId }) =>
    administer(node).secrets.rotate(clientId, { overlap_seconds: 0 }),
};

/** `percent` of the rounds and trees, and of the tokens of the largest ones. */
export async function benchRevocation({ percent }: Pick<BenchOptions, 'percent'>): Promise<void> {
  const rounds = Math.ceil((mostRounds * percent) / 100);
  const largeTree = Math.max(smallTree, (mostInTree * percent) / 100);
  const largeTrees = Math.ceil((mostTrees * percent) / 100);
  const directory = makeBenchDirectory();
  const postgres = await startPostgres();
  // The gate asks the issuer itself, which is the third node.
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  // Postern pushes events to this machine, as one that its operator allows.
  const identity = await createServerIdentity();
  const certificateFile = join(directory, 'receiver.pem');
  writeFileSync(certificateFile, identity.cert);
  const receiverEnv = { POSTERN_FETCH_ALLOWED_NETWORKS: '127.0.0.1/32', NODE_EXTRA_CA_CERTS: certificateFile };
  const start = (name: string, env = {}) =>
    startNode(directory, name, postgres.url, { POSTERN_ISSUER: issuer, ...receiverEnv, ...env });
  const nodes = [await start('node-1'), await start('node-2'), await start('node-3', { PORT: String(port) })] as const;
  await administer(nodes[0]).resources.save({ key: 'api', identifier: audience, scopes: [scope] });
  const guards = await Promise.all(nodes.map(async (node) => startGuard(node, issuer, await followFeed(node))));
  const [one, two, three] = guards as [ApiGuard, ApiGuard, ApiGuard];
  const apis = [await serveExpress(one), await serveFastify(two), await serveHono(three)];
  const gate = await startGate(directory, nodes[0], issuer);
  const streamGuard = await startGuard(nodes[1], issuer, await createStream(nodes[1]));
  const streamApi = await serveHono(streamGuard);

  const latenciesMs: Record<string, number[]> = {};
  const measure = async (name: string, times: number, at: readonly Api[], prepare: () => Promise<Prepared>) => {
    progress(`${times} times: ${name}`);
    latenciesMs[name] = [];
    for (let round = 0; round < times; round += 1) {
      latenciesMs[name].push(await timeOne(at, await prepare()));
    }
  };
  for (const [name, cut] of Object.entries(cuts)) {
    await measure(name, rounds, apis, () => prepareToken(nodes[0], cut));
  }
  await measure('revoke the token, at the gate', rounds, [gate], () => prepareToken(nodes[0], revokeToken));
  await measure('revoke the token, at a guard that follows an event stream', rounds, [streamApi], () =>
    prepareToken(nodes[0], revokeToken),
  );
  const everywhere = [...apis, gate];
  await measure(`kill a tree of ${smallTree} tokens`, rounds, everywhere, () => prepareTree(nodes[0], smallTree));
  await measure(`kill a tree of ${largeTree} tokens`, largeTrees, everywhere, () => prepareTree(nodes[0], largeTree));

  const receivers = {
    'event for a receiver that polls': await startPolling(nodes[1]),
    'event for a receiver that is pushed to': await startReceiving(nodes[2], identity),
  };
  for (const [name, receiver] of Object.entries(receivers)) {
    progress(`${rounds} times: ${name}`);
    latenciesMs[name] = await timeEvents(nodes[0], receiver, rounds);
    await receiver.close();
  }

  await gate.close();
  await Promise.all([...apis, streamApi].map((api) => api.close()));
  await Promise.all([...guards, streamGuard].map((guard) => guard.close()));
  await Promise.all(nodes.map(({ server }) => server.stop()));
  await postgres.stop();
  console.log(
    [
      '',
      `From the answer to the refusal at the last of the APIs, ${rounds} times each (${largeTrees} for the largest tree); three nodes on one PostgreSQL`,
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

/** Tokens that are good, and what ends them. */
interface Prepared {
  /** The time runs until none of these passes anywhere. */
  readonly tokens: readonly string[];
  readonly cut: () => Promise<unknown>;
  /** More tokens that must not pass afterwards. */
  readonly others: readonly string[];
}

async function prepareToken(node: RunningPostern, cut: Cut): Promise<Prepared> {
  const client = await createClient(node, scope, { resources: [audience] });
  const token = await obtainToken(node, client);
  return { tokens: [token], cut: () => cut(node, client, token), others: [] };
}

/** A token, and `size` that were exchanged for it to the greatest depth. The time runs until none of each depth passes. */
async function prepareTree(node: RunningPostern, size: number): Promise<Prepared> {
  const client = await createClient(node, scope, {
    resources: [audience],
    grant_types: ['client_credentials', exchangeGrant],
  });
  const exchange = async (subject: string): Promise<string> => {
    const form = new URLSearchParams({
      ...{ client_id: client.clientId, client_secret: client.clientSecret, grant_type: exchangeGrant },
      ...{ subject_token: subject, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
    });
    return JSON.parse(await requestToken(node.port, tokenPath, form.toString())).access_token;
  };
  const tokens = [await obtainToken(node, client)];
  while (tokens.length <= depth) {
    tokens.push(await exchange(tokens.at(-1) as string));
  }
  const others: string[] = [];
  while (others.length < size - depth) {
    const more = Math.min(atOnce, size - depth - others.length);
    others.push(...(await Promise.all(Array.from({ length: more }, (_, i) => exchange(tokens[i % depth] as string)))));
  }
  return { tokens, cut: () => revokeToken(node, client, tokens[0] as string), others };
}

async function obtainToken(node: RunningPostern, client: Credentials): Promise<string> {
  const form = `${tokenForm(client)}&resource=${encodeURIComponent(audience)}`;
  return JSON.parse(await requestToken(node.port, tokenPath, form)).access_token;
}

/** Milliseconds from the answer to the cut until no API takes any of the tokens. */
async function timeOne(apis: readonly Api[], { tokens, cut, others }: Prepared): Promise<number> {
  const statusAt = async (api: Api, token: string) => {
    const response = await fetch(api.url, { headers: { ...api.headers, authorization: `Bearer ${token}` } });
    await response.arrayBuffer();
    return response.status;
  };
  for (const api of apis) {
    for (const token of tokens) {
      const status = await statusAt(api, token);
      if (status !== 200) {
        throw new Error(`${api.url} answered ${status} to a good token`);
      }
    }
  }
  await cut();
  const answeredAt = performance.now();
  await Promise.all(
    apis.map(async (api) => {
      for (const token of tokens) {
        while ((await statusAt(api, token)) === 200) {
          if (performance.now() - answeredAt > neverMs) {
            throw new Error(`${api.url} still takes a token that was cut off ${neverMs} ms ago`);
          }
          await new Promise((resolve) => setTimeout(resolve, askAgainMs));
        }
      }
    }),
  );
  const elapsedMs = performance.now() - answeredAt;
  for (const [index, token] of others.entries()) {
    const api = apis[index % apis.length] as Api;
    if ((await statusAt(api, token)) === 200) {
      throw new Error(`${api.url} takes a token whose tree was cut off`);
    }
  }
  return elapsedMs;
}

/** `postern gate` as its users start it, asked as nginx asks. */
async function startGate(directory: string, node: RunningPostern, issuer: string): Promise<Api> {
  const port = await freePort();
  const { clientId, clientSecret } = await createClient(node, 'revocation:read');
  writeFileSync(join(directory, 'gate-secret'), clientSecret);
  const file = join(directory, 'gate.yaml');
  writeFileSync(
    file,
    `issuer: ${issuer}
listen: 127.0.0.1:${port}
revocations: { client_id: ${clientId}, client_secret_file: gate-secret }
apis:
  - audience: ${audience}
    rules: [{ path: '/', methods: [GET], scopes: ['${scope}'] }]
`,
  );
  const gate = new ServerProcess({
    name: 'postern gate',
    command,
    args: ['gate', file],
    env: { ...(process.env['HOME'] && { HOME: process.env['HOME'] }) },
    logFile: join(directory, 'gate.log'),
    core: undefined,
  });
  await gate.untilReady(async () => ((await fetch(`http://127.0.0.1:${port}/health/ready`)).ok ? true : undefined));
  const { host } = new URL(audience);
  return {
    url: `http://127.0.0.1:${port}/auth-request`,
    headers: { 'x-original-method': 'GET', 'x-original-host': host, 'x-original-uri': '/' },
    close: () => gate.stop(),
  };
}

/** What a guard follows with: a token, and an event stream instead of the feed. */
interface Following {
  readonly token: string;
  readonly sharedSignals?: SharedSignalsOptions;
}

async function followFeed(node: RunningPostern): Promise<Following> {
  const form = tokenForm(node.root, 'revocation:read');
  return { token: JSON.parse(await requestToken(node.port, tokenPath, form)).access_token };
}

async function createStream(node: RunningPostern): Promise<Following> {
  const { clientId, token, call } = await asReceiver(node);
  const { stream_id: streamId } = await call('stream', {
    events_requested: ['urn:postern:event-type:revocation-feed'],
  });
  return { token, sharedSignals: { streamId, clientId } };
}

/** A guard that asks `node` wherever it would ask the issuer. */
async function startGuard(node: RunningPostern, issuer: string, { token, ...source }: Following): Promise<ApiGuard> {
  const atNode = (url: string | URL | Request, init?: RequestInit) =>
    fetch(String(url).replace(issuer, node.url), init);
  const guard = createApiGuard({
    issuer,
    audience,
    fetch: atNode,
    revocations: {
      fetch: (url, init) => atNode(url, { ...init, headers: { ...init?.headers, authorization: `Bearer ${token}` } }),
      ...source,
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
