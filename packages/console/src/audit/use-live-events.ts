/** The tail of the audit trail, as it grows: one long request after the other. */
import { useEffect, useState } from 'react';
import { withQuery } from '../api/api.ts';
import type { AuditEvent, AuditPage } from '../api/contract.ts';
import { useSession } from '../session/session-context.tsx';
import type { EventFilter } from './use-events.ts';

export interface LiveEvents {
  /** Newest first. */
  readonly events: readonly AuditEvent[];
  /** Why it cannot be followed at the moment. It is tried again. */
  readonly error: Error | undefined;
}

const waitSeconds = 25;
const retryMs = 3_000;
/** Older ones make room. */
const mostEvents = 500;

/** Events after the one of number `after`; nothing is followed while that is undefined. */
export function useLiveEvents({ kind, actor, subject }: EventFilter, after: number | undefined): LiveEvents {
  const { api } = useSession();
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
          const path = withQuery('oauth/events', { kind, actor, subject, after: last, size: 100, wait: waitSeconds });
          const { items } = await api.get<AuditPage>(path, abort.signal);
          last = items.at(-1)?.sequence ?? last;
          setState(({ events }) => ({
            events: [...items.toReversed(), ...events].slice(0, mostEvents),
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
  }, [api, kind, actor, subject, after]);
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
