/** Nodes of Postern on one PostgreSQL, as users start them behind a load balancer. */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postern/testing/free-port';
import { ServerProcess } from '../server-process.ts';
import { tokenPath } from '../token/postern.ts';
import { type Credentials, requestToken, tokenForm } from '../token/token-request.ts';

export const issuer = 'https://auth.example.com';
export const root: Credentials = { clientId: 'root', clientSecret: randomBytes(24).toString('hex') };

const masterKey = randomBytes(32).toString('base64');
const command = fileURLToPath(new URL('../../../node_modules/.bin/postern', import.meta.url));

export interface RunningNode {
  readonly server: ServerProcess;
  readonly port: number;
  readonly url: string;
}

/** Starts one and waits until it serves. */
export async function startNode(
  directory: string,
  name: string,
  databaseUrl: string,
  core: number | undefined,
): Promise<RunningNode> {
  const port = await freePort();
  const server = new ServerProcess({
    name: `postern serve (${name})`,
    command,
    args: ['serve'],
    env: {
      PORT: `${port}`,
      POSTERN_DATA_DIR: join(directory, name),
      POSTERN_ISSUER: issuer,
      POSTERN_MASTER_KEY: masterKey,
      DATABASE_URL: databaseUrl,
      OAUTH_ROOT_CLIENT_ID: root.clientId,
      OAUTH_ROOT_CLIENT_SECRET: root.clientSecret,
    },
    logFile: join(directory, `${name}.log`),
    core,
  });
  await server.untilReady(() => requestToken(port, tokenPath, tokenForm(root)));
  return { server, port, url: `http://127.0.0.1:${port}` };
}

/** A call of the management API; returns the body of the answer. Throws for any status but success. */
export async function administer(
  node: RunningNode,
  token: string,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, string>> {
  const answer = await fetch(node.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  }
  return text === '' ? {} : JSON.parse(text);
}

/** Creates a client through the management API. */
export async function createClient(node: RunningNode, token: string, body: object): Promise<Credentials> {
  const { client_id, client_secret } = await administer(node, token, 'POST', '/api/v1/oauth/client', body);
  return { clientId: `${client_id}`, clientSecret: `${client_secret}` };
}

export async function acquireToken(node: RunningNode, credentials: Credentials, scope?: string): Promise<string> {
  return JSON.parse(await requestToken(node.port, tokenPath, tokenForm(credentials, scope))).access_token;
}
