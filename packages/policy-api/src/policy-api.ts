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
  serveBelowDsr(app);
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
  const options = { db, change, now };
  policiesEndpoint(options)(app);
  rulesEndpoint(options)(app);
  targetsEndpoint(options)(app);
  storageEndpoint(options)(app);
}

/** Serves policies at the paths of Fides too, which moved them from those of Fidesops. They are not documented, so that each call is there once. */
function serveBelowDsr(app: Api): void {
  app.addHook('onRoute', ({ url, method, schema, ...route }) => {
    // The route for GET answers HEAD too.
    if (url.startsWith('/api/v1/policy') && method !== 'HEAD') {
      const path = url.replace('/api/v1/policy', '/api/v1/dsr/policy');
      app.route({ ...route, method, url: path, schema: { ...schema, hide: true } });
    }
  });
}
