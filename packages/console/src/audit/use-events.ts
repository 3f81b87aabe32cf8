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
  /** The first and the last day, such as `2026-11-01`, as the browser's clock has them. */
  readonly from?: string;
  readonly to?: string;
}

interface EventPageQuery extends EventFilter {
  /** Only events before the one with this number. */
  readonly before?: number;
  readonly size: number;
}

export function useEvents({ before, size, ...filter }: EventPageQuery): UseQueryResult<AuditPage> {
  const query = { ...toQuery(filter), before, size, order: 'desc', names: 'true' } as const;
  return useRead(operations.events.list(query), 'audit:read');
}

export function toQuery({ from = '', to = '', ...rest }: EventFilter): EventQuery {
  const query = { ...rest, from: startOfDay(from, 0), until: startOfDay(to, 1) };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined && value !== ''));
}

/** Returns when a day begins, or a later one by `later` days. Undefined: the text is no day. */
function startOfDay(day: string, later: number): string | undefined {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day) ?? [];
  const start = new Date(Number(year), Number(month) - 1, Number(date) + later);
  return Number.isNaN(start.getTime()) ? undefined : start.toISOString();
}
