/** Postern as its users start it: the `postern` command with nothing set but where to listen and keep its data. */

import type { webcrypto } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { type AdminClient, createAdminClient, type NewClientBody } from '@postern/admin';
import { freePort } from '@postern/testing/free-port';
import { ServerProcess } from '../server-process.ts';
import { type Credentials, requestToken, tokenForm } from './token-request.ts';

export interface RunningPostern {
  readonly server: ServerProcess;
  readonly url: string;
  readonly port: number;
  readonly root: Credentials;
  /** The answer to the first token request, which root made. */
  readonly firstAnswer: string;
  /** Milliseconds from starting the process to having that answer. */
  readonly startMs: number;
}

const command = fileURLToPath(new URL('../../../node_modules/.bin/postern', import.meta.url));

export const tokenPath = '/api/v1/oauth/token';

/** Starts on `directory`, made if missing, with these variables, on a free port unless they name one, and waits for the first token. */
export async function startPostern(
  directory: string,
  core: number | undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningPostern> {
  const port = Number(env['PORT'] ?? (await freePort()));
  const url = `http://127.0.0.1:${port}`;
  const startedAtMs = performance.now();
  const server = new ServerProcess({
    name: 'postern serve',
    command,
    args: ['serve'],
    // With the home directory of whoever runs it, where Postern keeps its compiled code, as any user has one.
    env: {
      PORT: `${port}`,
      POSTERN_DATA_DIR: directory,
      ...(process.env['HOME'] && { HOME: process.env['HOME'] }),
      ...env,
    },
    logFile: `${directory}.log`,
    core,
  });
  const [root, firstAnswer] = await server.untilReady(async () => {
    const credentials = readRoot(env, directory);
    return credentials && ([credentials, await requestToken(port, tokenPath, tokenForm(credentials))] as const);
  });
  return { server, url, port, root, firstAnswer, startMs: performance.now() - startedAtMs };
}

/** The management API, as root. */
export function administer({ url, firstAnswer }: RunningPostern): AdminClient {
  const authorization = `Bearer ${JSON.parse(firstAnswer).access_token}`;
  return createAdminClient({
    server: url,
    fetch: (address, init) => fetch(address, { ...init, headers: { ...init.headers, authorization } }),
  });
}

/** Creates a client, as root; its secret is empty if its metadata needs none. */
export async function createClient(
  postern: RunningPostern,
  scope: string,
  metadata: NewClientBody = {},
): Promise<Credentials> {
  const body = { name: 'bench', scopes: scope.split(' '), ...metadata };
  const { client_id: clientId, client_secret: clientSecret = '' } = await administer(postern).clients.create(body);
  return { clientId, clientSecret };
}

/** The key that signs, from the published set. */
export async function fetchPublicJwk(url: string): Promise<webcrypto.JsonWebKey> {
  const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: webcrypto.JsonWebKey[] };
  return keys[0] as webcrypto.JsonWebKey;
}

/** Those of the variables, or those that a first start generates; undefined until it has. */
function readRoot(env: Readonly<Record<string, string>>, directory: string): Credentials | undefined {
  const file = join(directory, 'root.env');
  const { OAUTH_ROOT_CLIENT_ID: clientId, OAUTH_ROOT_CLIENT_SECRET: clientSecret } = {
    ...(existsSync(file) && parseEnv(readFileSync(file, 'utf8'))),
    ...env,
  };
  return clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret };
}
