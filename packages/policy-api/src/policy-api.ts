/** The policy API as a Fastify plugin: a resource server that knows only its guard and its tables. */
import type { Guard } from '@postern/guard';
import { guardRoutes } from '@postern/guard/fastify';
import type { Api } from '@postern/http-api';
import type { Kysely } from 'kysely';
import type { Change } from './db/change.ts';
import type { PolicyDatabase } from './db/schema.ts';
import { policiesEndpoint } from './policies/policies-endpoint.ts';
import { rulesEndpoint } from './policies/rules-endpoint.ts';
import { targetsEndpoint } from './policies/targets-endpoint.ts';
import { storageEndpoint } from './storage/storage-endpoint.ts';

export interface PolicyApiOptions {
  /** With the tables of `policyMigrations`. */
  readonly db: Kysely<PolicyDatabase>;
  readonly change: Change;
  /** Decides which access tokens pass. */
  readonly guard: Guard;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Registers the policy API. The host checks requests against their schemas and answers the `OAuthError`s that are
 * thrown.
 */
export async function policyApi(app: Api, { db, change, guard, now }: PolicyApiOptions): Promise<void> {
  guardRoutes(app, guard);
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
  const options = { db, change, now };
  policiesEndpoint(options)(app);
  rulesEndpoint(options)(app);
  targetsEndpoint(options)(app);
  storageEndpoint(options)(app);
}
