/** Lets the workers of one port stop listening together: none answers its last callers while another still accepts them. */
import cluster from 'node:cluster';

/** A worker has reached a step, or, from the supervisor: all have. */
interface StepMessage {
  readonly type: 'postern:step';
  readonly step: string;
}

/** Milliseconds after which a worker goes on without the others, which may be blocked. */
const mostWaitMs = 2_000;

/** In the supervisor: tells the workers when all have reached a step. A worker that stops alone waits for none. */
export function superviseSteps(isStopping: () => boolean): void {
  const reached = new Map<string, Set<number>>();
  const tell = () => {
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    for (const [step, ids] of reached) {
      if (!isStopping() || workers.every(({ id }) => ids.has(id))) {
        reached.delete(step);
        for (const worker of workers.filter(({ id }) => ids.has(id))) {
          worker.send({ type: 'postern:step', step } satisfies StepMessage);
        }
      }
    }
  };
  cluster.on('message', ({ id }, message: StepMessage) => {
    if (message.type === 'postern:step') {
      reached.set(message.step, (reached.get(message.step) ?? new Set()).add(id));
      tell();
    }
  });
  cluster.on('exit', tell);
}

/** In a worker: resolves once all have reached the step, or after a moment. */
export function reachStep(step: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const hear = (message: StepMessage) => {
    if (message.type === 'postern:step' && message.step === step) {
      resolve();
    }
  };
  process.on('message', hear);
  const timer = setTimeout(resolve, mostWaitMs);
  process.send?.({ type: 'postern:step', step } satisfies StepMessage);
  return promise.finally(() => {
    clearTimeout(timer);
    process.off('message', hear);
  });
}
