/** Runs a gate until it is stopped, and reads its file again at SIGHUP. */
import { type GateOptions, type GateServer, serveGate } from '@postern/gate';
import { type Logger, pino } from 'pino';
import { CommandError, usageError } from '../command/command-error.ts';
import { openLogOutput } from '../serve/log-output.ts';
import { handleSignals, longestEndMs } from '../serve/signals.ts';
import { openGateFile } from './open-gate-file.ts';

/** Says what the file allows. Throws `CommandError` if something is wrong with it. */
export async function checkGateFile(file: string): Promise<void> {
  process.stdout.write(`${describe(file, await openGateFile(file))}\n`);
}

export async function runGate(file: string): Promise<void> {
  const options = await openGateFile(file);
  const level = process.env['POSTERN_LOG_LEVEL'] ?? 'info';
  if (level !== 'silent' && !Object.hasOwn(pino.levels.values, level)) {
    throw usageError(`POSTERN_LOG_LEVEL: must be one of ${[...Object.keys(pino.levels.values), 'silent'].join(', ')}.`);
  }
  const output = openLogOutput(false);
  process.on('exit', () => output.end());
  const logger = pino({ level }, output);
  process.on('uncaughtExceptionMonitor', (error) => logger.fatal({ err: error }, 'internal error: the process ends'));
  const server = await start(options, logger);
  handleSignals({
    stop: () => void stop(server, logger),
    hurry: server.closeAtOnce,
    ignore: (signal) => logger.warn({ signal }, 'the signal was ignored'),
    reload: createReload(file, options, server, logger),
  });
  const { listen, grpc } = options.config;
  const addresses = [`http://${format(listen)}`, ...(grpc === undefined ? [] : [`${format(grpc)} for gRPC`])];
  process.stderr.write(`\n  Postern gate listens on ${addresses.join(' and ')}\n  ${describe(file, options)}\n\n`);
}

async function start(options: GateOptions, logger: Logger): Promise<GateServer> {
  try {
    return await serveGate({
      ...options,
      onFault: (fault) => logFault(logger, fault),
      onRefusal: ({ code, reason }, { method, host, target }) =>
        logger.info({ code, reason, method, host, path: target.split('?', 1)[0]?.slice(0, 200) }, 'refused'),
    });
  } catch (error) {
    const { code, member, message } = error as NodeJS.ErrnoException & { member?: 'listen' | 'grpc' };
    if (member === undefined) {
      throw error;
    }
    const { host, port } = options.config[member] as { host: string; port: number };
    const why: Readonly<Record<string, string>> = {
      EADDRINUSE: `${port} is in use by another program`,
      EACCES: `${port} is not allowed for this user`,
      EADDRNOTAVAIL: `${host} is not an address of this machine`,
    };
    throw new CommandError(`${member}: ${why[code ?? ''] ?? message}.`, { cause: error });
  }
}

/** What cannot be reached now is reported again and again, so a line has the cause without its stack. */
function logFault(logger: Logger, fault: Error): void {
  const causes: string[] = [];
  for (let cause = fault.cause; cause instanceof Error; cause = cause.cause) {
    causes.push(cause.message);
  }
  logger.warn({ cause: causes.at(-1) }, fault.message);
}

/** One attempt after the other. The rules in use stay until there are better ones. */
function createReload(file: string, { config: { listen, grpc } }: GateOptions, server: GateServer, logger: Logger) {
  const addresses = JSON.stringify([listen, grpc]);
  let last = Promise.resolve();
  const reload = async () => {
    try {
      const next = await openGateFile(file);
      await server.use(next);
      server.recordReload(true);
      logger.info(`the file was read again. ${describe(file, next)}`);
      if (JSON.stringify([next.config.listen, next.config.grpc]) !== addresses) {
        logger.warn('listen and grpc have changed, which takes effect at the next start');
      }
    } catch (error) {
      server.recordReload(false);
      logger.error(`the file cannot be used, and the rules stay as they were: ${(error as Error).message}`);
    }
  };
  return () => {
    last = last.then(reload);
  };
}

async function stop(server: GateServer, logger: Logger): Promise<void> {
  setTimeout(() => {
    logger.error('did not stop in time');
    process.exit(1);
  }, longestEndMs).unref();
  await server.close();
  logger.info('stopped');
}

function describe(file: string, { config }: GateOptions): string {
  const { revocations, origins } = config;
  const hosts = [...origins.keys()].join(', ');
  const about = revocations === undefined ? ' It has no revocations: revoked tokens pass until they expire.' : '';
  return `${file} has rules for ${hosts}.${about}`;
}

function format({ host, port }: { host: string; port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
