/** New events of the audit trail, by long polling. */

import { type AuditPage, operations } from '@postern/admin';
import { maxWaitSeconds } from '@postern/protocol/api-limits';
import { useEffect, useState } from 'react';
import { useSession } from '../session/session-context.tsx';
import { type EventFilter, toQuery } from './use-events.ts';

export interface LiveEvents {
  /** Newest first. */
  readonly events: AuditPage['items'];
  readonly names: NonNullable<AuditPage['names']>;
  /** Why events are interrupted. Reading is retried. */
  readonly error: Error | undefined;
}

const nothing: LiveEvents = { events: [], names: {}, error: undefined };
const retryMs = 3_000;
/** Older ones are dropped. */
const maxEvents = 500;

/** Returns events after the one with the number `after`. Reads nothing while that is undefined. */
export function useLiveEvents({ kind, actor, subject, from, to }: EventFilter, after: number | undefined): LiveEvents {
  const { admin } = useSession();
  const [state, setState] = useState(nothing);

  useEffect(() => {
    setState(nothing);
    if (after === undefined) {
      return;
    }
    const abort = new AbortController();
    const follow = async () => {
      let last = after;
      while (!abort.signal.aborted) {
        try {
          const query = {
            ...toQuery({ kind, actor, subject, from, to }),
            after: last,
            wait: maxWaitSeconds,
            names: 'true',
          } as const;
          const { items, names } = await admin.send(operations.events.list(query), { signal: abort.signal });
          last = items.at(-1)?.sequence ?? last;
          setState(({ events, names: before }) => ({
            names: { ...before, ...names },
            events: [...items.toReversed(), ...events].slice(0, maxEvents),
            error: undefined,
          }));
        } catch (error) {
          if (!abort.signal.aborted) {
            setState((before) => ({ ...before, error: error as Error }));
            await pause(retryMs, abort.signal);
          }
        }
      }
    };
    void follow();
    return () => abort.abort();
  }, [admin, kind, actor, subject, from, to, after]);
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
