/** Puts the authorization server, the policy API and the API documentation on one port. */
import { policyApi, policyMigrations, policyTables } from '@postern/policy-api';
import {
  authorizationServer,
  httpOptions,
  openInstallation,
  type ServerConfig,
  StartError,
  systemClock,
} from '@postern/server';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { apiDocs, describeApi } from './api-docs.ts';

export interface RunningServer {
  readonly config: ServerConfig;
  /** The file with the root credentials; undefined where they came from the environment. */
  readonly rootFile: string | undefined;
  /** Finishes the requests under way, for ten seconds at the most, and closes the database. */
  close(): Promise<void>;
}

/** Starts to listen. Throws `StartError`. */
export async function startServer(config: ServerConfig, logger: FastifyBaseLogger): Promise<RunningServer> {
  const installation = await openInstallation(config, [policyMigrations]);
  const app = Fastify(httpOptions(config, logger));
  closeConnectionsAtEnd(app);
  app.addHook('onClose', () => installation.db.destroy());
  try {
    await describeApi(app);
    await app.register(authorizationServer, { config, installation, clock: systemClock });
    await app.register(policyApi, {
      db: policyTables(installation.db),
      change: (actor, work) =>
        app.events.change(actor, (transaction, append) => work(policyTables(transaction), append)),
      guard: app.guard,
      now: systemClock.now,
    });
    await app.register(apiDocs);
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    await app.close();
    throw listenFault(config, error);
  }
  return { config, rootFile: installation.rootFile, close: () => app.close() };
}

/** A connection that a request keeps busy at the end is closed after its answer, and after ten seconds in any case. */
function closeConnectionsAtEnd(app: FastifyInstance): void {
  app.addHook('preClose', (done) => {
    app.server.keepAliveTimeout = 1;
    app.server.keepAliveTimeoutBuffer = 0;
    setTimeout(() => app.server.closeAllConnections(), 10_000).unref();
    done();
  });
}

function listenFault(config: ServerConfig, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return new StartError(`PORT: ${config.port} is in use by another program. Example: PORT=${config.port + 1}`);
    case 'EACCES':
      return new StartError(`PORT: ${config.port} is not allowed for this user. Example: PORT=8080`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartError(`HOST: ${config.host} is not an address of this machine. Example: HOST=127.0.0.1`);
    default:
      return error;
  }
}
