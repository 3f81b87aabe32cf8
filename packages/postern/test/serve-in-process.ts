/** What `postern serve` serves, from the process of the test, which takes a fifth of the time of a process of its own. */
import { join } from 'node:path';
import { readConfig } from '@postern/server';
import { freePort } from '@postern/testing/free-port';
import { pino } from 'pino';
import { startServer } from '../src/serve/serve.ts';
import type { ServeOptions, ServeProcess } from './harness.ts';

export type ServedInProcess = Pick<ServeProcess, 'url' | 'port' | 'dataDir'> & { stop(): Promise<void> };

/** Starts it with data in the directory `cwd`. It has these variables, and no others; its log goes nowhere. */
export async function serveInProcess(
  cwd: string,
  options: Pick<ServeOptions, 'dataDir' | 'port' | 'env'> = {},
): Promise<ServedInProcess> {
  const { dataDir = join(cwd, 'data'), port = await freePort() } = options;
  const config = readConfig({
    PORT: String(port),
    POSTERN_METRICS_PORT: String(port),
    POSTERN_DATA_DIR: dataDir,
    POSTERN_OVERLOAD_MS: '0',
    ...options.env,
  });
  // As the command sets it: what it writes is for its user alone.
  const umask = process.umask(0o077);
  const server = await startServer(config, pino({ level: 'silent' }), 'at first');
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    dataDir,
    async stop() {
      const closed = server.close();
      server.closeAtOnce();
      await closed;
      process.umask(umask);
    },
  };
}
