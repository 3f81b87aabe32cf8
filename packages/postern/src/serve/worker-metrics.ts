/** The metrics of all workers: whichever worker is scraped, it asks the supervisor to aggregate those of all. */
import cluster, { type Worker } from 'node:cluster';
import { OAuthError } from '@postern/protocol';
import { AggregatorRegistry, type Registry } from 'prom-client';

/** Milliseconds within which each worker must return its metrics. */
const answerMs = 5_000;

type WorkerMetrics = readonly { readonly type: unknown }[];

/** From a worker. It can be asked from its first message on; to each question it returns the id. */
type WorkerMessage =
  | { readonly type: 'postern:metrics-ready' }
  | { readonly type: 'postern:metrics-of-all'; readonly id: number }
  | { readonly type: 'postern:metrics-of-worker'; readonly id: number; readonly metrics: WorkerMetrics };

/** From the supervisor. */
type SupervisorMessage =
  | { readonly type: 'postern:metrics-of-worker'; readonly id: number }
  /** An answer. `text` is missing if not all workers returned their metrics. */
  | { readonly type: 'postern:metrics-of-all'; readonly id: number; readonly text?: string | undefined };

/** Metrics that only ever grow, and so must not fall when a worker ends. */
const growingTypes: ReadonlySet<unknown> = new Set(['counter', 'histogram', 'summary']);

/**
 * In the supervisor: answers the requests of workers, with the metrics of those that have started. What a worker that has
 * ended had counted when it was last asked remains in the sums, since Prometheus takes a count that falls for a restart.
 */
export function aggregateMetrics(): void {
  const ready = new Map<number, Worker>();
  const latest = new Map<number, WorkerMetrics>();
  const questions = new Map<number, () => void>();
  let asked = 0;
  let ended: Promise<readonly WorkerMetrics[]> = Promise.resolve([]);

  const ask = (worker: Worker): Promise<void> => {
    asked += 1;
    const id = asked;
    const answered = Promise.withResolvers<void>();
    const timer = setTimeout(() => answered.reject(new Error('no answer')), answerMs);
    questions.set(id, answered.resolve);
    // One that is exiting needs no answer: `ended` has what it counted.
    worker.once('exit', answered.resolve);
    worker.send({ type: 'postern:metrics-of-worker', id } satisfies SupervisorMessage);
    return answered.promise.finally(() => {
      clearTimeout(timer);
      questions.delete(id);
      worker.off('exit', answered.resolve);
    });
  };
  const gather = async (): Promise<string> => {
    await Promise.all([...ready.values()].map(ask));
    return AggregatorRegistry.aggregate([...(await ended), ...latest.values()]).metrics();
  };
  cluster.on('message', async (worker, message: WorkerMessage) => {
    switch (message.type) {
      case 'postern:metrics-ready':
        ready.set(worker.id, worker);
        break;
      case 'postern:metrics-of-worker':
        latest.set(worker.id, message.metrics);
        questions.get(message.id)?.();
        break;
      case 'postern:metrics-of-all': {
        const text = await gather().catch(() => undefined);
        worker.send({ type: message.type, id: message.id, text } satisfies SupervisorMessage);
      }
    }
  });
  cluster.on('exit', ({ id }) => {
    const growing = (latest.get(id) ?? []).filter(({ type }) => growingTypes.has(type));
    ready.delete(id);
    latest.delete(id);
    ended = ended.then(async (before) => [await AggregatorRegistry.aggregate([...before, growing]).getMetricsAsJSON()]);
  });
}

export interface SharedMetrics {
  /** Reads the metrics of all processes. */
  read(): Promise<string>;
  /** From here on, the channel to the supervisor does not keep the process alive. */
  stop(): void;
}

/** For a single process. */
export function ownMetrics(own: Registry): SharedMetrics {
  return { read: () => own.metrics(), stop: () => {} };
}

/** In a worker: gives the supervisor the metrics of this process. */
export function shareMetrics(own: Registry): SharedMetrics {
  const waiting = new Map<number, PromiseWithResolvers<string>>();
  let asked = 0;
  const send = (message: WorkerMessage) => void process.send?.(message);
  process.on('message', async (message: SupervisorMessage) => {
    if (message.type === 'postern:metrics-of-worker') {
      send({ type: message.type, id: message.id, metrics: await own.getMetricsAsJSON() });
    } else if (message.type === 'postern:metrics-of-all') {
      const { id, text } = message;
      const answer = waiting.get(id);
      waiting.delete(id);
      if (text === undefined) {
        answer?.reject(
          new OAuthError('temporarily_unavailable', 'Not all workers returned their metrics; retry later.'),
        );
      } else {
        answer?.resolve(text);
      }
    }
  });
  send({ type: 'postern:metrics-ready' });
  return {
    read() {
      asked += 1;
      const answer = Promise.withResolvers<string>();
      waiting.set(asked, answer);
      send({ type: 'postern:metrics-of-all', id: asked });
      return answer.promise;
    },
    stop: () => process.channel?.unref(),
  };
}
