/** Several workers on one port, each a node on the same database. */
import cluster from 'node:cluster';
import { superviseSteps } from './in-step.ts';
import { handleSignals, hurryMessage, ignoredSignalText, longestEndMs } from './signals.ts';
import { aggregateMetrics } from './worker-metrics.ts';

const replaceAfterMs = 1_000;
const mostReplaceAfterMs = 30_000;

/** Milliseconds until a worker that exited is replaced: twice as long each time that the replacement did not listen, up to half a minute. */
export function replacementDelayMs(failures: number): number {
  return Math.min(replaceAfterMs * 2 ** failures, mostReplaceAfterMs);
}

/** Milliseconds after which a replacement that does not listen is killed. The first workers may migrate for longer. */
const mostStartMs = 60_000;

export interface SupervisedWorkers {
  readonly workers: number;
  /** Whoever listens on it has started. */
  readonly port: number;
}

/**
 * Runs workers until a signal stops them. If one exits before any has listened, the start has failed: all are stopped,
 * and its exit code becomes that of this process. From then on each that exits is replaced, as often as it takes.
 */
export function superviseWorkers({ workers: count, port }: SupervisedWorkers): void {
  const starting = new Map<number, NodeJS.Timeout | undefined>();
  const replacements = new Set<NodeJS.Timeout>();
  let hasListened = false;
  let failures = 0;
  let stopping = false;
  aggregateMetrics();
  superviseSteps(() => stopping);
  const killAll = (signal: NodeJS.Signals) => {
    for (const worker of Object.values(cluster.workers ?? {})) {
      worker?.process.kill(signal);
    }
  };
  const stop = () => {
    stopping = true;
    for (const timer of replacements) {
      clearTimeout(timer);
    }
    killAll('SIGTERM');
    setTimeout(() => {
      process.exitCode = 1;
      killAll('SIGKILL');
    }, longestEndMs).unref();
  };
  const start = () => {
    const worker = cluster.fork();
    const timer = hasListened ? setTimeout(() => worker.process.kill('SIGKILL'), mostStartMs).unref() : undefined;
    starting.set(worker.id, timer);
  };
  const replace = (end: string) => {
    const delayMs = replacementDelayMs(failures);
    process.stderr.write(`postern: a worker ended (${end}); another one starts in ${delayMs / 1000} s\n`);
    const timer = setTimeout(() => {
      replacements.delete(timer);
      start();
    }, delayMs);
    replacements.add(timer);
  };
  cluster.on('listening', ({ id }, address) => {
    if (address.port === port) {
      clearTimeout(starting.get(id));
      starting.delete(id);
      hasListened = true;
      failures = 0;
    }
  });
  cluster.on('fork', (worker) => worker.on('error', ignoreLostMessage));
  cluster.on('exit', ({ id }, code, signal) => {
    clearTimeout(starting.get(id));
    const isStartFailure = starting.delete(id);
    if (stopping) {
      process.exitCode ||= code ?? 0;
    } else if (hasListened) {
      replace(signal ?? `exit code ${code}`);
      failures += isStartFailure ? 1 : 0;
    } else {
      process.exitCode = code || 1;
      stop();
    }
  });
  handleSignals({
    stop,
    // Not by a signal: a terminal and systemd send theirs to the workers too, which would count it twice.
    hurry() {
      for (const worker of Object.values(cluster.workers ?? {})) {
        worker?.send(hurryMessage);
      }
    },
    ignore: (signal) => process.stderr.write(`postern: ${signal}: ${ignoredSignalText}.\n`),
  });
  for (let started = 0; started < count; started += 1) {
    start();
  }
}

/** Ignores that a message did not reach a worker that is exiting, which `exit` reports. Throws all other errors. */
function ignoreLostMessage(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ERR_IPC_CHANNEL_CLOSED' && error.code !== 'EPIPE') {
    throw error;
  }
}
