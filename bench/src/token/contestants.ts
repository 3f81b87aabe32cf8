/** The four servers that are compared, each started and ready for the same request. */
import { generateKeyPairSync, type webcrypto } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, ServerProcess } from '../server-process.ts';
import { applyLoad, type LoadTarget } from './load.ts';
import { createClient, fetchPublicJwk, startPostern, tokenPath } from './postern.ts';
import type { BoundSettings } from './servers/bound.ts';
import type { ConstantSettings } from './servers/constant.ts';
import type { PeerSettings } from './servers/peer.ts';
import { checkTokens, type Expectation, readTokenAnswer } from './token-answer.ts';
import { formatRequest, requestToken, tokenForm } from './token-request.ts';

export type ContestantId = 'constant' | 'bound' | 'postern' | 'peer';

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
 * Starts and warms up all, in the order of the table. Postern comes first: (a) and (b) answer with as many bytes as it does.
 * Logs and data go to `directory`. Throws `BenchError`.
 */
export async function startContestants(
  directory: string,
  core: number | undefined,
  peerVersion: string,
): Promise<Contestant[]> {
  const postern = await startPostern(join(directory, 'postern'), core);
  const client = await createClient(postern, scope);
  const form = tokenForm(client, scope);
  const posternRequest = formatRequest(postern.port, tokenPath, form);
  const posternTarget = { name: 'postern serve', port: postern.port, nextRequest: () => posternRequest };
  const { samples } = await applyLoad(posternTarget, warmUpSeconds);
  const sample = samples.at(-1) ?? '';
  const { signingInput, members } = readTokenAnswer(sample);

  const { privateJwk, publicJwk } = generateJwks();
  const posternKey = await fetchPublicJwk(postern.url);

  const start = async <Settings extends { port: number }>(
    id: ContestantId,
    title: string,
    path: string,
    publicJwk: webcrypto.JsonWebKey,
    settings: Omit<Settings, 'port'>,
  ): Promise<Contestant> => {
    const port = await freePort();
    const server = new ServerProcess({
      name: title,
      command: process.execPath,
      args: [fileURLToPath(new URL(`./servers/${id}.ts`, import.meta.url)), JSON.stringify({ port, ...settings })],
      logFile: join(directory, `${id}.log`),
      core,
    });
    await server.untilReady(() => requestToken(port, path, form));
    const request = formatRequest(port, path, form);
    const target = { name: title, port, nextRequest: () => request };
    await applyLoad(target, warmUpSeconds);
    return { id, title, server, target, expectation: { clientId: client.clientId, scope, publicJwk } };
  };

  return [
    await start<ConstantSettings>('constant', 'node:http, a constant', tokenPath, posternKey, { answer: sample }),
    await start<BoundSettings>('bound', 'the same with SHA-256 and ES256', tokenPath, publicJwk, {
      clientSecret: client.clientSecret,
      privateJwk,
      signingInput,
      members,
    }),
    {
      id: 'postern',
      title: 'Postern',
      server: postern.server,
      target: posternTarget,
      expectation: { clientId: client.clientId, scope, publicJwk: posternKey },
    },
    await start<PeerSettings>('peer', `oidc-provider ${peerVersion}`, '/token', publicJwk, {
      ...client,
      scope,
      accessTokenTtlSeconds: Number(members['expires_in']),
      privateJwk,
    }),
  ];
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
