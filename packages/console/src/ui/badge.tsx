/** A short label of a state. */
import type { ReactNode } from 'react';

interface BadgeProps {
  readonly tone?: 'neutral' | 'good' | 'warning' | 'danger' | 'accent';
  readonly children: ReactNode;
}

export function Badge({ tone = 'neutral', children }: BadgeProps) {
  return <span className={`badge badge-${tone}`}>{children}</span>;
}
