/** The audit trail, newest first. */
import { type AuditPage, type EventQuery, operations } from '@postern/admin';
import type { UseQueryResult } from '@tanstack/react-query';
import { useRead } from '../session/use-admin.ts';

/** Empty members filter nothing. */
export interface EventFilter {
  /** A kind, or the first part of several, with a dot at the end. */
  readonly kind?: string;
  readonly actor?: string;
  readonly subject?: string;
}

interface EventPageQuery extends EventFilter {
  /** Only events before the one with this number. */
  readonly before?: number;
  readonly size: number;
}

export function useEvents({ before, size, ...filter }: EventPageQuery): UseQueryResult<AuditPage> {
  const query = { ...toQuery(filter), before, size, order: 'desc' } as const;
  return useRead(operations.events.list(query), 'audit:read');
}

export function toQuery(filter: EventFilter): EventQuery {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined && value !== ''));
}
