/** Several processes on one port, each a node of its own on the same database. */
import cluster from 'node:cluster';
import { gatherMetrics } from './worker-metrics.ts';

/** Milliseconds until a worker that ended is replaced, so that one that cannot live does not keep the machine busy. */
const replaceAfterMs = 1_000;

/**
 * Runs `count` workers until a signal ends them. One that ends by itself is replaced; where one ends before it ever
 * listened, all end, and the exit code is its.
 */
export function superviseWorkers(count: number): void {
  const listening = new Set<number>();
  let stopping = false;
  gatherMetrics();
  const stop = () => {
    stopping = true;
    for (const worker of Object.values(cluster.workers ?? {})) {
      worker?.process.kill('SIGTERM');
    }
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
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  for (let started = 0; started < count; started += 1) {
    cluster.fork();
  }
}

/** A message to a worker that is ending may not arrive. That it ended, `exit` says; all other errors are thrown. */
function ignoreLostMessage(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ERR_IPC_CHANNEL_CLOSED' && error.code !== 'EPIPE') {
    throw error;
  }
}
