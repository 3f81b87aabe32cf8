/** The metrics of all workers: whichever worker is scraped, it asks the supervisor to aggregate those of all. */
import cluster from 'node:cluster';
import { OAuthError } from '@postern/protocol';
import { AggregatorRegistry, type Registry } from 'prom-client';

const messageType = 'postern:metrics';

/** A worker sends a request with an id, and gets an answer with the same id. */
interface Message {
  readonly type: string;
  readonly id: number;
  /** The metrics, in an answer. Missing if the supervisor could not aggregate them. */
  readonly text?: string | undefined;
}

/** In the supervisor: answers the requests of workers. */
export function aggregateMetrics(): void {
  const registry = new AggregatorRegistry();
  cluster.on('message', async (worker, { type, id }: Message) => {
    if (type === messageType) {
      const text = await registry.clusterMetrics().catch(() => undefined);
      worker.send({ type, id, text } satisfies Message);
    }
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
  AggregatorRegistry.setRegistries([own]);
  // Creating it registers a listener that answers the supervisor.
  void new AggregatorRegistry();
  const waiting = new Map<number, PromiseWithResolvers<string>>();
  let asked = 0;
  process.on('message', ({ type, id, text }: Message) => {
    if (type !== messageType) {
      return;
    }
    const answer = waiting.get(id);
    waiting.delete(id);
    if (text === undefined) {
      answer?.reject(new OAuthError('temporarily_unavailable', 'Not all workers returned their metrics; retry later.'));
    } else {
      answer?.resolve(text);
    }
  });
  return {
    read() {
      asked += 1;
      const answer = Promise.withResolvers<string>();
      waiting.set(asked, answer);
      process.send?.({ type: messageType, id: asked } satisfies Message);
      return answer.promise;
    },
    stop: () => process.channel?.unref(),
  };
}
