/** Several workers on one port, each a node on the same database. */
import cluster from 'node:cluster';
import { handleSignals, hurryMessage, ignoredSignalText, longestEndMs } from './signals.ts';
import { aggregateMetrics } from './worker-metrics.ts';

/** Milliseconds until a worker that exited is replaced, so that one that keeps failing does not use up the processor. */
const replaceAfterMs = 1_000;

/**
 * Runs `count` workers until a signal stops them. A worker that exits is replaced. If one exits before it has listened,
 * all are stopped, and its exit code becomes that of this process.
 */
export function superviseWorkers(count: number): void {
  const listening = new Set<number>();
  let stopping = false;
  aggregateMetrics();
  const killAll = (signal: NodeJS.Signals) => {
    for (const worker of Object.values(cluster.workers ?? {})) {
      worker?.process.kill(signal);
    }
  };
  const stop = () => {
    stopping = true;
    killAll('SIGTERM');
    setTimeout(() => killAll('SIGKILL'), longestEndMs).unref();
  };
  cluster.on('listening', ({ id }) => void listening.add(id));
  cluster.on('fork', (worker) => worker.on('error', ignoreLostMessage));
  cluster.on('exit', ({ id }, code) => {
    if (stopping) {
      return;
    }
    if (!listening.delete(id)) {
      process.exitCode = code === 0 ? 1 : code;
      stop();
      return;
    }
    setTimeout(() => {
      if (!stopping) {
        cluster.fork();
      }
    }, replaceAfterMs);
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
    cluster.fork();
  }
}

/** Ignores that a message did not reach a worker that is exiting, which `exit` reports. Throws all other errors. */
function ignoreLostMessage(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ERR_IPC_CHANNEL_CLOSED' && error.code !== 'EPIPE') {
    throw error;
  }
}
