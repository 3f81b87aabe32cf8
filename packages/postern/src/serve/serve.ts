/** Serves the authorization server, the policy API, the API documentation and the console on one port. */
import cluster from 'node:cluster';
import { policyApi, policyMigrations, policyTables } from '@postern/policy-api';
import {
  authorizationServer,
  type DatabaseCreation,
  describeDatabase,
  explainDatabaseError,
  httpOptions,
  metricsServer,
  openInstallation,
  type ServerConfig,
  systemClock,
} from '@postern/server';
import Fastify, { type FastifyBaseLogger } from 'fastify';
import { collectDefaultMetrics } from 'prom-client';
import { apiDocs, collectDescribedRoutes } from './api-docs.ts';
import { webConsole } from './console.ts';
import { reachStep } from './in-step.ts';
import { listen } from './listen.ts';
import { ownMetrics, shareMetrics } from './worker-metrics.ts';

export interface RunningServer {
  readonly config: ServerConfig;
  /** The file with the root credentials. Undefined: they are from the environment. */
  readonly rootFile: string | undefined;
  /** Finishes the requests in flight, within bounds, and closes the database. */
  close(): Promise<void>;
  /** Cuts off the requests in flight. Call `close` before. */
  closeAtOnce(): void;
}

/** Starts to listen. Throws `StartError`. */
export async function startServer(
  config: ServerConfig,
  logger: FastifyBaseLogger,
  creation: DatabaseCreation,
): Promise<RunningServer> {
  const { app, metrics, rootFile } = await createServer(config, logger, creation);
  try {
    if (typeof config.metrics === 'object') {
      const server = metricsServer(config, logger, metrics.read);
      app.addHook('onClose', () => server.close());
      await listen(server, config.metrics, { host: 'POSTERN_METRICS_HOST', port: 'POSTERN_METRICS_PORT' });
    }
    await listen(app, config, { host: 'HOST', port: 'PORT' });
  } catch (error) {
    await app.close();
    throw error;
  }
  return { config, rootFile, close: () => app.close(), closeAtOnce: app.closeAtOnce };
}

/** Creates everything that is served on one port, which does not listen yet. Throws `StartError`. */
export async function createServer(config: ServerConfig, logger: FastifyBaseLogger, creation?: DatabaseCreation) {
  const installation = await whileWaiting(config, openInstallation(config, [policyMigrations], creation));
  const app = Fastify(httpOptions(config, logger));
  app.addHook('onClose', () => installation.db.destroy());
  try {
    const routes = collectDescribedRoutes(app);
    await app.register(authorizationServer, {
      config,
      installation,
      clock: systemClock,
      readMetrics: () => metrics.read(),
      ...(cluster.isWorker && { reachStep }),
      hosted: async (api, { db, events, guard, now }) => {
        api.register(policyApi, {
          db: policyTables(db),
          change: (token, work) =>
            events.change(token, (transaction, append) => work(policyTables(transaction), append)),
          guard,
          now,
        });
      },
    });
    collectDefaultMetrics({ register: app.metrics });
    const metrics = cluster.isWorker ? shareMetrics(app.metrics) : ownMetrics(app.metrics);
    app.addHook('onClose', async () => metrics.stop());
    await app.register(apiDocs, { issuer: config.issuer, routes });
    await app.register(webConsole, { issuer: config.issuer });
    return { app, metrics, rootFile: installation.rootFile };
  } catch (error) {
    await app.close().catch(() => {});
    throw explainDatabaseError(config.database, error);
  }
}

/** Milliseconds after which a start that waits says for what. */
const silentMs = 1_000;

/** Says once what the start waits for if it takes long, as for a host that does not answer or for a lock. */
async function whileWaiting<T>({ database }: ServerConfig, start: Promise<T>): Promise<T> {
  const timer = setTimeout(() => {
    process.stderr.write(`postern: waiting for ${describeDatabase(database)} to answer …\n`);
  }, silentMs);
  try {
    return await start;
  } finally {
    clearTimeout(timer);
  }
}
