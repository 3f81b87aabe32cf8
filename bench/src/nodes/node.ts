/** Nodes of Postern on one PostgreSQL, as users start them behind a load balancer. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type RunningPostern, startPostern } from '../token/postern.ts';

const issuer = 'https://auth.example.com';

const shared = {
  POSTERN_ISSUER: issuer,
  POSTERN_MASTER_KEY: randomBytes(32).toString('base64'),
  OAUTH_ROOT_CLIENT_ID: 'root',
  OAUTH_ROOT_CLIENT_SECRET: randomBytes(24).toString('hex'),
};

/** Starts one and waits until it serves. */
export async function startNode(
  directory: string,
  name: string,
  databaseUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningPostern> {
  return startPostern(join(directory, name), undefined, { ...shared, DATABASE_URL: databaseUrl, ...env });
}
