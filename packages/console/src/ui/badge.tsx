/** A short label of a state. */
import type { ReactNode } from 'react';

export type Tone = 'neutral' | 'good' | 'warning' | 'danger';

interface BadgeProps {
  readonly tone?: Tone;
  readonly children: ReactNode;
}

export function Badge({ tone = 'neutral', children }: BadgeProps) {
  return <span className={`badge tone-${tone}`}>{children}</span>;
}
