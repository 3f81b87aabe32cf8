/** The servers that are compared, each started, warmed up and ready for its requests: one row of the table for each. */

import { generateKeyPairSync, type webcrypto } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postern/testing/free-port';
import { BenchError } from '../bench-error.ts';
import { findListener, ServerProcess } from '../server-process.ts';
import { createKeyClient, type KeyClient, type KeyUse, type TokenEndpoint } from './key-clients.ts';
import { applyLoad, type LoadTarget } from './load.ts';
import { createClient, fetchPublicJwk, type RunningPostern, startPostern, tokenPath } from './postern.ts';
import type { BoundSettings } from './servers/bound.ts';
import type { ConstantSettings } from './servers/constant.ts';
import type { PeerSettings } from './servers/peer.ts';
import { checkTokens, type Expectation, readTokenAnswer } from './token-answer.ts';
import { type Credentials, formatRequest, requestToken, tokenForm } from './token-request.ts';

/** What is asked of a server. */
export type Work = 'secret' | KeyUse | 'introspection' | 'exchange' | 'creation';

export type ContestantId = 'constant' | 'bound together' | `${'bound' | 'postern' | 'peer'} ${Work}`;

export interface Contestant {
  readonly id: ContestantId;
  readonly title: string;
  readonly server: ServerProcess;
  readonly target: LoadTarget;
  /** Throws `BenchError` unless the bodies are good answers. */
  readonly check: (bodies: readonly string[]) => void;
}

/** What the clients of the benchmark ask for. */
const scope = 'policy:read rule:read storage:read';

/** Of the peer. */
const opaqueResource = 'https://opaque.example.com';

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** Tokens that are introspected and exchanged in turn. */
const tokenCount = 500;

/**
 * Seconds of load before anything is measured: the time to compile what runs often, as it is in a server that has been up for a
 * minute. On a slow machine a token of Postern took 400 µs in its first five seconds, 350 in the next, and 270 from then on.
 */
const warmUpSeconds = 12;

interface Start {
  readonly directory: string;
  readonly core: number | undefined;
}

/**
 * Starts and warms up all, in the order of the table. Logs and data go to `directory`. Throws `BenchError`.
 */
export async function startContestants(
  directory: string,
  core: number | undefined,
  peerVersion: string,
): Promise<Contestant[]> {
  const start = { directory, core };
  const startOwn = (name: string) => startPostern(join(directory, `postern-${name}`), core);

  const postern = await startOwn('secret');
  const client = await createClient(postern, scope);
  const secretRequest = formatRequest(postern.port, tokenPath, tokenForm(client, scope));
  const own = await warmedUp({
    id: 'postern secret',
    title: 'Postern',
    server: postern.server,
    port: postern.port,
    nextRequest: () => secretRequest,
    check: await tokensOf(client.clientId, postern),
  });
  const byKey = await Promise.all(
    (['private_key_jwt', 'dpop'] as const).map(async (use) => {
      const server = await startOwn(use);
      return { use, server, client: await createKeyClient(server, use, scope) };
    }),
  );
  const secretClient = {
    client_id: client.clientId,
    client_secret: client.clientSecret,
    token_endpoint_auth_method: 'client_secret_post',
  };
  const peer = await startPeer(start, peerVersion, [
    secretClient,
    ...byKey.map(({ use, client: { clientId, clientSecret, publicJwk } }) =>
      use === 'dpop'
        ? { client_id: clientId, client_secret: clientSecret, token_endpoint_auth_method: 'client_secret_post' }
        : {
            client_id: clientId,
            token_endpoint_auth_method: 'private_key_jwt',
            token_endpoint_auth_signing_alg: 'ES256',
            jwks: { keys: [publicJwk] },
          },
    ),
  ]);
  const rows = [...(await startBounds(start, own, client)), own, await startPeerTokens(peer, client)];
  for (const { use, server, client: keyClient } of byKey) {
    rows.push(...(await startKeyRows(start, use, server, keyClient, peer)));
  }
  rows.push(
    ...(await startTokenUses(await startOwn('tokens'), await startPeer(start, peerVersion, [secretClient]), client)),
  );
  rows.push(...(await startCreations(await startOwn('creation'), peer)));
  return rows;
}

/** Those that answer with as many bytes as Postern does. */
async function startBounds(
  start: Start,
  { target, sample }: Contestant & { readonly sample: string },
  { clientId, clientSecret }: Credentials,
): Promise<Contestant[]> {
  const { privateJwk, publicJwk } = generateJwks();
  const check = (bodies: readonly string[]) => checkTokens('the bound', bodies, { clientId, scope, publicJwk });
  const settings = { shows: 'client_secret_post', clientSecret, privateJwk, ...partsOf(sample) } as const;
  const nextRequest = () => target.nextRequest;
  return [
    await startScript<ConstantSettings>(start, 'constant', nextRequest, {
      id: 'constant',
      title: 'node:http, a constant',
      check() {},
      settings: { answer: sample },
    }),
    await startScript<BoundSettings>(start, 'bound', nextRequest, {
      id: 'bound secret',
      title: 'node:http, SHA-256, ES256',
      check,
      settings: { ...settings, isTogether: false },
    }),
    await startScript<BoundSettings>(start, 'bound', nextRequest, {
      id: 'bound together',
      title: 'the same, signing together',
      check,
      settings: { ...settings, isTogether: true },
    }),
  ];
}

/**
 * The bound does the cryptography of a request. That an assertion or a proof is used only once, Postern writes to its database
 * and the peer to a map in its memory.
 */
async function startKeyRows(
  start: Start,
  use: KeyUse,
  postern: RunningPostern,
  client: KeyClient,
  peer: RunningPeer,
): Promise<Contestant[]> {
  const label = use === 'dpop' ? 'DPoP' : use;
  const own = await warmedUp({
    id: `postern ${use}`,
    title: `Postern, ${label}`,
    server: postern.server,
    port: postern.port,
    nextRequest: () => client.nextRequest(client.endpoint),
    check: await tokensOf(client.clientId, postern),
  });
  const { privateJwk, publicJwk } = generateJwks();
  const { clientId, clientSecret } = client;
  return [
    await startScript<BoundSettings>(start, 'bound', () => () => client.nextRequest(client.endpoint), {
      id: `bound ${use}`,
      title:
        use === 'dpop'
          ? 'node:http, SHA-256, key and ES256 of a proof, ES256'
          : 'node:http, ES256 of an assertion, ES256',
      check: (bodies) => checkTokens('the bound', bodies, { clientId, scope, publicJwk }),
      settings: {
        shows: use,
        isTogether: false,
        clientSecret,
        clientJwk: client.publicJwk,
        privateJwk,
        ...partsOf(own.sample),
      },
    }),
    own,
    await warmedUp({
      id: `peer ${use}`,
      title: `${peer.title}, ${label}`,
      server: peer.server,
      port: peer.endpoint.port,
      nextRequest: () => client.nextRequest(peer.endpoint),
      check: (bodies) => checkTokens(peer.title, bodies, { clientId, scope, publicJwk: peer.publicJwk }),
    }),
  ];
}

/** Rows for tokens that were issued: introspection, of opaque tokens by the peer, and exchange, which the peer has not. */
async function startTokenUses(postern: RunningPostern, peer: RunningPeer, ofPeer: Credentials): Promise<Contestant[]> {
  const client = await createClient(postern, scope, { grant_types: ['client_credentials', exchangeGrant] });
  const secretOf = ({ clientId, clientSecret }: Credentials) => ({ client_id: clientId, client_secret: clientSecret });
  const obtain = async (port: number, path: string, form: string) => {
    const tokens: string[] = [];
    for (let i = 0; i < tokenCount; i += 1) {
      tokens.push(JSON.parse(await requestToken(port, path, form)).access_token);
    }
    return tokens;
  };
  const tokens = await obtain(postern.port, tokenPath, tokenForm(client, scope));
  const { port } = peer.endpoint;
  const resource = new URLSearchParams({ resource: opaqueResource });
  const opaque = await obtain(port, peer.endpoint.path, `${tokenForm(ofPeer, scope)}&${resource}`);
  const check = checkEach(({ active }) => active === true, 'a token that is active was introspected as');
  return [
    await warmedUp({
      id: 'postern introspection',
      title: 'Postern, introspection of JWTs',
      server: postern.server,
      port: postern.port,
      nextRequest: inTurn(postern.port, '/api/v1/oauth/introspect', tokens, (token) => ({
        ...secretOf(client),
        token,
      })),
      check,
    }),
    await warmedUp({
      id: 'peer introspection',
      title: `${peer.title}, introspection of opaque tokens`,
      server: peer.server,
      port,
      nextRequest: inTurn(port, '/token/introspection', opaque, (token) => ({ ...secretOf(ofPeer), token })),
      check,
    }),
    await warmedUp({
      id: 'postern exchange',
      title: 'Postern, token exchange',
      server: postern.server,
      port: postern.port,
      nextRequest: inTurn(postern.port, tokenPath, tokens, (token) => ({
        ...secretOf(client),
        grant_type: exchangeGrant,
        subject_token: token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      })),
      check: await tokensOf(client.clientId, postern),
    }),
  ];
}

/** Rows for the creation of clients: a change that Postern writes to its disk and its audit trail, and the peer to its memory. */
async function startCreations(postern: RunningPostern, peer: RunningPeer): Promise<Contestant[]> {
  const token = JSON.parse(await requestToken(postern.port, tokenPath, tokenForm(postern.root))).access_token;
  const own = formatRequest(
    postern.port,
    '/api/v1/oauth/client',
    JSON.stringify({ name: 'a', scopes: ['rule:read'] }),
    {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
    },
  );
  const { port } = peer.endpoint;
  const metadata = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
  const ofPeer = formatRequest(port, '/reg', JSON.stringify(metadata), { 'Content-Type': 'application/json' });
  const check = checkEach(
    ({ client_secret }) => typeof client_secret === 'string',
    'a client was created without a secret',
  );
  return [
    await warmedUp({
      id: 'postern creation',
      title: 'Postern, creation of clients',
      server: postern.server,
      port: postern.port,
      nextRequest: () => own,
      check,
    }),
    await warmedUp({
      id: 'peer creation',
      title: `${peer.title}, registration of clients`,
      server: peer.server,
      port,
      nextRequest: () => ofPeer,
      check,
    }),
  ];
}

interface RunningPeer {
  readonly title: string;
  readonly server: ServerProcess;
  readonly endpoint: TokenEndpoint;
  readonly publicJwk: webcrypto.JsonWebKey;
}

/**
 * One process for all rows in which it need not remember anything: its memory holds only a thousand things, of which each used
 * assertion or proof is one.
 */
async function startPeer(
  { directory, core }: Start,
  version: string,
  clients: PeerSettings['clients'],
): Promise<RunningPeer> {
  const port = await freePort();
  const { privateJwk, publicJwk } = generateJwks();
  const settings: PeerSettings = { port, clients, scope, accessTokenTtlSeconds: 3_600, opaqueResource, privateJwk };
  const title = `oidc-provider ${version}`;
  const server = startServerScript({ directory, core }, 'peer', title, settings);
  await server.untilReady(() => findListener(port));
  const [issuer, url] = [`http://localhost:${port}`, `http://127.0.0.1:${port}/token`];
  return { title, server, endpoint: { port, path: '/token', issuer, url }, publicJwk };
}

async function startPeerTokens({ title, server, endpoint, publicJwk }: RunningPeer, client: Credentials) {
  const { port, path } = endpoint;
  const request = formatRequest(port, path, tokenForm(client, scope));
  return warmedUp({
    id: 'peer secret',
    title,
    server,
    port,
    nextRequest: () => request,
    check: (bodies) => checkTokens(title, bodies, { clientId: client.clientId, scope, publicJwk }),
  });
}

interface Script<Settings> extends Pick<Contestant, 'id' | 'title' | 'check'> {
  readonly settings: Omit<Settings, 'port'>;
}

/** Starts one of `servers/` and warms it up with what `requestsTo` its port says. */
async function startScript<Settings extends { port: number }>(
  start: Start,
  file: string,
  requestsTo: (port: number) => () => Buffer,
  { id, title, check, settings }: Script<Settings>,
): Promise<Contestant> {
  const port = await freePort();
  const server = startServerScript(start, file, title, { port, ...settings });
  await server.untilReady(() => findListener(port));
  return warmedUp({ id, title, server, port, nextRequest: requestsTo(port), check });
}

function startServerScript({ directory, core }: Start, file: string, name: string, settings: object): ServerProcess {
  return new ServerProcess({
    name,
    command: process.execPath,
    args: [fileURLToPath(new URL(`./servers/${file}.ts`, import.meta.url)), JSON.stringify(settings)],
    logFile: join(directory, `${name.replaceAll(/\W+/g, '-')}.log`),
    core,
  });
}

type Row = Omit<Contestant, 'target'> & Omit<LoadTarget, 'name'>;

/** With an answer from the time when it was warm. */
async function warmedUp({ port, nextRequest, ...row }: Row): Promise<Contestant & { readonly sample: string }> {
  const target = { name: row.title, port, nextRequest };
  const { samples } = await applyLoad(target, warmUpSeconds);
  return { ...row, target, sample: samples.at(-1) ?? '' };
}

/** Requests with one token after the other. */
function inTurn(
  port: number,
  path: string,
  tokens: readonly string[],
  formOf: (token: string) => Record<string, string>,
): () => Buffer {
  const requests = tokens.map((token) => formatRequest(port, path, new URLSearchParams(formOf(token)).toString()));
  let next = 0;
  return () => {
    next = (next + 1) % requests.length;
    return requests[next] as Buffer;
  };
}

function checkEach(isGood: (answer: Record<string, unknown>) => boolean, fault: string): Contestant['check'] {
  return (bodies) => {
    const bad = bodies.find((body) => !isGood(JSON.parse(body)));
    if (bad !== undefined) {
      throw new BenchError(`${fault}:\n${bad}`);
    }
  };
}

async function tokensOf(clientId: string, { url }: RunningPostern): Promise<Contestant['check']> {
  const expectation: Expectation = { clientId, scope, publicJwk: await fetchPublicJwk(url) };
  return (bodies) => checkTokens('Postern', bodies, expectation);
}

function partsOf(sample: string): Pick<BoundSettings, 'signingInput' | 'members'> {
  const { signingInput, members } = readTokenAnswer(sample);
  return { signingInput, members };
}

/** One round: load on one contestant, with its samples checked. Throws `BenchError`. */
export async function measure({ id, server, target, check }: Contestant, seconds: number) {
  const cpuBefore = server.cpuSeconds();
  const startMs = performance.now();
  const { samples, ...result } = await applyLoad(target, seconds);
  const cpuAfter = server.cpuSeconds();
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  check(samples);
  const cpuSeconds = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore;
  return {
    id,
    ...result,
    /** Of the server, for one answer. */
    cpuMicroseconds: cpuSeconds && (1e6 * cpuSeconds) / result.answers,
    serverBusy: cpuSeconds && cpuSeconds / elapsedSeconds,
  };
}

export type Measurement = Awaited<ReturnType<typeof measure>>;

function generateJwks(): { privateJwk: webcrypto.JsonWebKey; publicJwk: webcrypto.JsonWebKey } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateJwk: privateKey.export({ format: 'jwk' }), publicJwk: publicKey.export({ format: 'jwk' }) };
}
