/** Reads the configuration, starts the server, prints the next steps, and stops gracefully. */
import cluster from 'node:cluster';
import { configVariables, readConfig, StartError } from '@postern/server';
import { pino } from 'pino';
import { openLogOutput } from './log-output.ts';
import { startServer } from './serve.ts';
import { describeStart } from './start-message.ts';
import { superviseWorkers } from './workers.ts';

export async function runServe(): Promise<void> {
  try {
    const config = readConfig(process.env);
    if (config.workers > 1 && cluster.isPrimary) {
      superviseWorkers(config.workers);
      return;
    }
    const output = openLogOutput(!cluster.isPrimary);
    process.on('exit', () => output.flushSync());
    const logger = pino({ level: config.logLevel }, output);
    const server = await startServer(config, logger);
    if (cluster.isPrimary || cluster.worker?.id === 1) {
      process.stderr.write(describeStart(server));
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        logger.info({ signal }, 'stopping');
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
      });
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
