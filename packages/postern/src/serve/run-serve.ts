/** Reads the configuration, starts the server, prints the next steps, and stops gracefully. */
import cluster from 'node:cluster';
import { configVariables, type DatabaseCreation, findMisnamedVariables, readConfig, StartError } from '@postern/server';
import { type Logger, pino } from 'pino';
import { openLogOutput } from './log-output.ts';
import { type RunningServer, startServer } from './serve.ts';
import { handleSignals, hurryMessage, ignoredSignalText, longestEndMs } from './signals.ts';
import { describeStart } from './start-message.ts';
import { superviseWorkers } from './workers.ts';

export async function runServe(isNewDatabaseAllowed: boolean): Promise<void> {
  try {
    const config = readConfig(process.env);
    if (cluster.isPrimary) {
      tellMisnamedVariables();
    }
    if (config.workers > 1 && cluster.isPrimary) {
      superviseWorkers(config);
      return;
    }
    const output = openLogOutput(!cluster.isPrimary);
    process.on('exit', () => output.end());
    const logger = pino({ level: config.logLevel }, output);
    process.on('uncaughtExceptionMonitor', (error) => logger.fatal({ err: error }, 'internal error: the process ends'));
    let server: RunningServer | undefined;
    endBySignal(logger, () => server);
    server = await startServer(config, logger, databaseCreation(config.workers, isNewDatabaseAllowed));
    if (cluster.isPrimary || cluster.worker?.id === 1) {
      process.stderr.write(describeStart(server));
    }
  } catch (error) {
    if (!(error instanceof StartError)) {
      throw error;
    }
    // Always one line, even if a value that the message quotes has line breaks.
    process.stderr.write(`postern: ${error.message.replaceAll(/\p{Cc}+/gu, ' ')}\n`);
    process.exitCode = 1;
    leaveSupervisor();
  }
}

/** A misspelled variable may be one that protects, so it is not ignored silently. */
function tellMisnamedVariables(): void {
  for (const { name, meant } of findMisnamedVariables(process.env)) {
    process.stderr.write(`postern: ${name} is not a variable of Postern, which ignores it. Did you mean ${meant}?\n`);
  }
}

/** A worker that replaces one must not create a database: the others would have another one. */
function databaseCreation(workers: number, isNewDatabaseAllowed: boolean): DatabaseCreation {
  if (cluster.worker !== undefined && cluster.worker.id > workers) {
    return 'never';
  }
  return isNewDatabaseAllowed ? 'always' : 'at first';
}

/** Stops the server gracefully at the first signal, and sooner at the second. One that has not started yet ends at once. */
function endBySignal(logger: Logger, running: () => RunningServer | undefined): void {
  const hurry = () => running()?.closeAtOnce();
  handleSignals({
    stop(signal) {
      logger.info({ signal }, 'stopping');
      const server = running();
      if (server === undefined) {
        process.exit();
      }
      setTimeout(() => {
        logger.error('did not stop in time');
        process.exit(1);
      }, longestEndMs).unref();
      server
        .close()
        .then(
          () => logger.info('stopped'),
          (error: unknown) => {
            logger.error({ err: error }, 'did not stop cleanly');
            process.exitCode = 1;
          },
        )
        .finally(leaveSupervisor);
    },
    hurry: cluster.isPrimary ? hurry : () => {},
    ignore: (signal) => logger.warn({ signal }, ignoredSignalText),
  });
  process.on('message', (message) => {
    if (message === hurryMessage) {
      hurry();
    }
  });
}

/** Closes the channel to the supervisor, which would keep the worker alive. */
function leaveSupervisor(): void {
  cluster.worker?.disconnect();
}

export function describeVariables(): string {
  return configVariables
    .map(({ name, default: fallback, unit, meaning }) => {
      const inUnit = unit === undefined ? '' : `in ${unit}, `;
      return `  ${name} (${inUnit}default: ${fallback})\n      ${meaning}\n`;
    })
    .join('');
}
