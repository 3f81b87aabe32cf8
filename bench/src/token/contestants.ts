/** The servers that are compared, each started, warmed up and ready for its requests. */

import { generateKeyPairSync, type webcrypto } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postern/testing/free-port';
import { findListener, ServerProcess } from '../server-process.ts';
import { createKeyClient, type KeyUse } from './key-clients.ts';
import { applyLoad, type LoadTarget } from './load.ts';
import { createClient, fetchPublicJwk, startPostern, tokenPath } from './postern.ts';
import type { BoundSettings } from './servers/bound.ts';
import type { ConstantSettings } from './servers/constant.ts';
import type { PeerSettings } from './servers/peer.ts';
import { checkTokens, type Expectation, readTokenAnswer } from './token-answer.ts';
import { formatRequest, tokenForm } from './token-request.ts';

export type ContestantId = 'constant' | 'bound' | 'postern' | 'peer' | `bound ${KeyUse}` | `postern ${KeyUse}`;

export interface Contestant {
  readonly id: ContestantId;
  readonly title: string;
  readonly server: ServerProcess;
  readonly target: LoadTarget;
  readonly expectation: Expectation;
}

/** What the client of the benchmark asks for. */
const scope = 'policy:read rule:read storage:read';

/** Seconds of load before anything is measured: the time to compile what runs often. */
const warmUpSeconds = 2;

/**
 * Starts and warms up all, in the order of the table. Logs and data go to `directory`. Throws `BenchError`.
 */
export async function startContestants(
  directory: string,
  core: number | undefined,
  peerVersion: string,
): Promise<Contestant[]> {
  const start = { directory, core };
  return [
    ...(await startSecretContestants(start, peerVersion)),
    ...(await startKeyContestants(start, 'private_key_jwt')),
    ...(await startKeyContestants(start, 'dpop')),
  ];
}

interface Start {
  readonly directory: string;
  readonly core: number | undefined;
}

/** Postern comes first: (a) and (b) answer with as many bytes as it does. */
async function startSecretContestants(start: Start, peerVersion: string): Promise<Contestant[]> {
  const postern = await startPostern(join(start.directory, 'postern'), start.core);
  const client = await createClient(postern, scope);
  const form = tokenForm(client, scope);
  const posternRequest = formatRequest(postern.port, tokenPath, form);
  const posternTarget = { name: 'postern serve', port: postern.port, nextRequest: () => posternRequest };
  const sample = await warmUp(posternTarget);
  const { privateJwk, publicJwk } = generateJwks();
  const posternKey = await fetchPublicJwk(postern.url);
  const { clientId } = client;
  const requestsTo = (path: string) => (port: number) => {
    const request = formatRequest(port, path, form);
    return () => request;
  };

  return [
    await startScript<ConstantSettings>(start, 'constant', requestsTo(tokenPath), {
      id: 'constant',
      title: 'node:http, a constant',
      expectation: { clientId, scope, publicJwk: posternKey },
      settings: { answer: sample },
    }),
    await startScript<BoundSettings>(start, 'bound', requestsTo(tokenPath), {
      id: 'bound',
      title: 'the same with SHA-256 and ES256',
      expectation: { clientId, scope, publicJwk },
      settings: {
        shows: 'client_secret_post',
        clientSecret: client.clientSecret,
        privateJwk,
        ...partsOf(sample),
      },
    }),
    {
      id: 'postern',
      title: 'Postern',
      server: postern.server,
      target: posternTarget,
      expectation: { clientId, scope, publicJwk: posternKey },
    },
    await startScript<PeerSettings>(start, 'peer', requestsTo('/token'), {
      id: 'peer',
      title: `oidc-provider ${peerVersion}`,
      expectation: { clientId, scope, publicJwk },
      settings: {
        ...client,
        scope,
        accessTokenTtlSeconds: Number(partsOf(sample).members['expires_in']),
        privateJwk,
      },
    }),
  ];
}

/**
 * A Postern of its own for clients that show a key, and its bound. The bound does the cryptography of a request; that an
 * assertion or a proof is used only once, which has to be written down, is a cost that only Postern has.
 */
async function startKeyContestants(start: Start, use: KeyUse): Promise<Contestant[]> {
  const postern = await startPostern(join(start.directory, `postern-${use}`), start.core);
  const client = await createKeyClient(postern, use, scope);
  const target = {
    name: `postern serve, ${use}`,
    port: postern.port,
    nextRequest: () => client.nextRequest(postern.port),
  };
  const sample = await warmUp(target);
  const { privateJwk, publicJwk } = generateJwks();
  const { clientId, clientSecret } = client;
  const bound = await startScript<BoundSettings>(start, 'bound', (port) => () => client.nextRequest(port), {
    id: `bound ${use}`,
    title:
      use === 'dpop'
        ? 'node:http, SHA-256, key and ES256 of a proof, ES256'
        : 'node:http, ES256 of an assertion, ES256',
    expectation: { clientId, scope, publicJwk },
    settings: { shows: use, clientSecret, clientJwk: client.publicJwk, privateJwk, ...partsOf(sample) },
  });
  const expectation = { clientId, scope, publicJwk: await fetchPublicJwk(postern.url) };
  return [
    bound,
    {
      id: `postern ${use}`,
      title: `Postern, ${use === 'dpop' ? 'DPoP' : use}`,
      server: postern.server,
      target,
      expectation,
    },
  ];
}

interface Script<Settings> extends Pick<Contestant, 'id' | 'title' | 'expectation'> {
  readonly settings: Omit<Settings, 'port'>;
}

/** Starts one of `servers/` and warms it up with what `requestsTo` its port says. */
async function startScript<Settings extends { port: number }>(
  { directory, core }: Start,
  file: string,
  requestsTo: (port: number) => () => Buffer,
  { id, title, expectation, settings }: Script<Settings>,
): Promise<Contestant> {
  const port = await freePort();
  const server = new ServerProcess({
    name: title,
    command: process.execPath,
    args: [fileURLToPath(new URL(`./servers/${file}.ts`, import.meta.url)), JSON.stringify({ port, ...settings })],
    logFile: join(directory, `${id}.log`),
    core,
  });
  await server.untilReady(() => findListener(port));
  const target = { name: title, port, nextRequest: requestsTo(port) };
  await warmUp(target);
  return { id, title, server, target, expectation };
}

/** An answer from the time when it was warm. */
async function warmUp(target: LoadTarget): Promise<string> {
  const { samples } = await applyLoad(target, warmUpSeconds);
  return samples.at(-1) ?? '';
}

function partsOf(sample: string): Pick<BoundSettings, 'signingInput' | 'members'> {
  const { signingInput, members } = readTokenAnswer(sample);
  return { signingInput, members };
}

/** One round: load on one contestant, with its samples checked. Throws `BenchError`. */
export async function measure({ id, server, target, expectation }: Contestant, seconds: number) {
  const cpuBefore = server.cpuSeconds();
  const startMs = performance.now();
  const { samples, ...result } = await applyLoad(target, seconds);
  const cpuAfter = server.cpuSeconds();
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  checkTokens(target.name, samples, expectation);
  const serverBusy =
    cpuBefore === undefined || cpuAfter === undefined ? undefined : (cpuAfter - cpuBefore) / elapsedSeconds;
  return { id, ...result, serverBusy };
}

export type Measurement = Awaited<ReturnType<typeof measure>>;

function generateJwks(): { privateJwk: webcrypto.JsonWebKey; publicJwk: webcrypto.JsonWebKey } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateJwk: privateKey.export({ format: 'jwk' }), publicJwk: publicKey.export({ format: 'jwk' }) };
}
