/** The audit trail, newest first. */
import type { UseQueryResult } from '@tanstack/react-query';
import { withQuery } from '../api/api.ts';
import type { AuditPage } from '../api/contract.ts';
import { useSession } from '../session/session-context.tsx';
import { useGet } from '../session/use-api.ts';

export interface EventFilter {
  /** A kind, or the first part of several, with a dot at the end. */
  readonly kind?: string;
  readonly actor?: string;
  readonly subject?: string;
}

interface EventQuery extends EventFilter {
  /** Only events before the one of this number. */
  readonly before?: number;
  readonly size: number;
}

export function useEvents(query: EventQuery): UseQueryResult<AuditPage> {
  const session = useSession();
  return useGet(session.may('audit:read') ? withQuery('oauth/events', { ...query, order: 'desc' }) : undefined);
}
