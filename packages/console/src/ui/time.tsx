/** Relative times, with the exact time as a tooltip. */

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exact = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium', hour12: false });
const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });

const units = [
  ['year', 31_557_600_000],
  ['month', 2_629_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** `iso` is by RFC 3339; null means that it has not happened. */
export function Time({ iso, never = 'never' }: { readonly iso: string | null; readonly never?: string }) {
  if (iso === null) {
    return <span className="muted">{never}</span>;
  }
  const date = new Date(iso);
  return (
    <time dateTime={iso} title={exact.format(date)}>
      {formatRelative(date.getTime() - Date.now())}
    </time>
  );
}

export function ExactTime({ iso }: { readonly iso: string }) {
  return (
    <time dateTime={iso} className="exact-time">
      {exact.format(new Date(iso))}
    </time>
  );
}

export const formatDay = (ms: number): string => day.format(ms);

/** `ms` is relative to now; negative in the past. */
export function formatRelative(ms: number): string {
  const [unit, length] = units.find(([, size]) => Math.abs(ms) >= size) ?? ['second', 1_000];
  const count = Math.round(ms / length);
  return unit === 'second' && Math.abs(count) < 10 ? 'just now' : relative.format(count, unit);
}

/** Formats `90 seconds`, `8 days`. */
export function formatDuration(seconds: number): string {
  const [unit, length] = units.find(([, size]) => seconds * 1000 >= size && (seconds * 1000) % size === 0) ?? [
    'second',
    1_000,
  ];
  const count = (seconds * 1000) / length;
  return `${count.toLocaleString('en')} ${unit}${count === 1 ? '' : 's'}`;
}
