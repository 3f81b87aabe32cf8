/** Pauses the streams whose receivers take nothing, and moves on those that have nothing to deliver. SSF 1.0 §8.1.2. */
import type { Outbox } from './outbox.ts';
import { mostEventsBehind, mostMsBehind } from './stream.ts';
import type { StreamRegistry } from './stream-registry.ts';

export interface StreamsBehindOptions {
  readonly streams: Pick<StreamRegistry, 'listAll' | 'pause'>;
  readonly outbox: Pick<Outbox, 'read' | 'skip'>;
  /** The number of the last event. */
  readonly head: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export async function pauseStreamsBehind({ streams, outbox, head, now }: StreamsBehindOptions): Promise<void> {
  for (const stream of await streams.listAll()) {
    if (stream.status !== 'enabled') {
      continue;
    }
    const pending = await outbox.read(stream, 1);
    const [first] = pending.sets;
    if (stream.delivery.method === 'poll') {
      // A stream that is pushed is moved on by whoever pushes.
      await outbox.skip(stream, pending);
    }
    const isBehind =
      first !== undefined &&
      (now() - first.event.occurredAt > mostMsBehind || head() - first.event.sequence > mostEventsBehind);
    if (isBehind) {
      const since = new Date(first.event.occurredAt).toISOString();
      const why = stream.fault === undefined ? '' : ` The last fault: ${stream.fault}`;
      await streams.pause(
        stream.id,
        `The receiver has not taken what happened since ${since}. All of it is held, and delivered when the stream is enabled.${why}`,
      );
    }
  }
}
