/** Metrics of several processes as one: whichever is asked, the supervisor gathers those of all. */
import cluster from 'node:cluster';
import { OAuthError } from '@postern/protocol';
import { AggregatorRegistry, type Registry } from 'prom-client';

const messageType = 'postern:metrics';

/** A worker asks with an id, and gets an answer with the same. */
interface Message {
  readonly type: string;
  readonly id: number;
  /** In an answer; missing where they could not be gathered. */
  readonly text?: string | undefined;
}

/** In the supervisor: answers workers that ask. */
export function gatherMetrics(): void {
  const gathered = new AggregatorRegistry();
  cluster.on('message', async (worker, { type, id }: Message) => {
    if (type === messageType) {
      const text = await gathered.clusterMetrics().catch(() => undefined);
      worker.send({ type, id, text } satisfies Message);
    }
  });
}

export interface SharedMetrics {
  /** Those of all processes. */
  read(): Promise<string>;
  /** From here on, waiting for questions does not keep the process from ending. */
  stop(): void;
}

/** Where there is but one process. */
export function ownMetrics(own: Registry): SharedMetrics {
  return { read: () => own.metrics(), stop: () => {} };
}

/** In a worker: lets the supervisor have the metrics of this process. */
export function shareMetrics(own: Registry): SharedMetrics {
  AggregatorRegistry.setRegistries([own]);
  // Made for what it does besides: from now on it answers the supervisor.
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
      answer?.reject(new OAuthError('temporarily_unavailable', 'Not all processes tell their metrics: try again.'));
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
