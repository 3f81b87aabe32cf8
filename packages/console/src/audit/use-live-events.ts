/** New events of the audit trail, by long polling. */

import { type AuditEvent, operations } from '@postern/admin';
import { maxWaitSeconds } from '@postern/protocol/api-limits';
import { useEffect, useState } from 'react';
import { useSession } from '../session/session-context.tsx';
import { type EventFilter, toQuery } from './use-events.ts';

export interface LiveEvents {
  /** Newest first. */
  readonly events: readonly AuditEvent[];
  /** Why events are interrupted. Reading is retried. */
  readonly error: Error | undefined;
}

const retryMs = 3_000;
/** Older ones are dropped. */
const maxEvents = 500;

/** Returns events after the one with the number `after`. Reads nothing while that is undefined. */
export function useLiveEvents({ kind, actor, subject }: EventFilter, after: number | undefined): LiveEvents {
  const { admin } = useSession();
  const [state, setState] = useState<LiveEvents>({ events: [], error: undefined });

  useEffect(() => {
    setState({ events: [], error: undefined });
    if (after === undefined) {
      return;
    }
    const abort = new AbortController();
    const follow = async () => {
      let last = after;
      while (!abort.signal.aborted) {
        try {
          const query = { ...toQuery({ kind, actor, subject }), after: last, wait: maxWaitSeconds };
          const { items } = await admin.send(operations.events.list(query), { signal: abort.signal });
          last = items.at(-1)?.sequence ?? last;
          setState(({ events }) => ({
            events: [...items.toReversed(), ...events].slice(0, maxEvents),
            error: undefined,
          }));
        } catch (error) {
          if (!abort.signal.aborted) {
            setState(({ events }) => ({ events, error: error as Error }));
            await pause(retryMs, abort.signal);
          }
        }
      }
    };
    void follow();
    return () => abort.abort();
  }, [admin, kind, actor, subject, after]);
  return state;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      window.clearTimeout(timer);
      resolve();
    });
  });
}
