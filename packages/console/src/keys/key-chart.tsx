/** A timeline of the signing keys: published, signing, only verifying. */
import type { SigningKey } from '@postern/admin';
import { formatDay } from '../ui/time.tsx';
import { useWidth } from '../ui/use-width.ts';

/** Below this width the label is above its bar. */
const narrow = 560;
const labelWidth = 190;
/** The width of a date beside `now`, in pixels. */
const labelRoom = 100;

const axisHeight = 24;
const dayMs = 86_400_000;

interface Span {
  readonly kind: 'next' | 'signing' | 'retired';
  readonly from: number;
  readonly until: number;
}

export function KeyChart({ keys }: { readonly keys: readonly SigningKey[] }) {
  const [frame, width] = useWidth<HTMLElement>();
  const now = Date.now();
  const left = width < narrow ? 0 : labelWidth;
  const labelHeight = width < narrow ? 20 : 0;
  const rowHeight = labelHeight + 30;
  const times = keys.flatMap((key) => [key.created_at, key.verifies_until]).filter((time) => time !== null);
  const from = Math.min(now - dayMs, ...times.map((time) => Date.parse(time)));
  const until = Math.max(now + dayMs, ...times.map((time) => Date.parse(time)));
  const x = (ms: number) => left + ((ms - from) / (until - from)) * Math.max(0, width - left);
  const height = keys.length * rowHeight + axisHeight;
  return (
    <figure className="chart" ref={frame}>
      <svg width={width} height={height} role="img" aria-label="The signing keys over time">
        <line className="chart-now" x1={x(now)} x2={x(now)} y1={0} y2={height - axisHeight + 4} />
        {keys.map((key, row) => (
          <g key={key.kid}>
            <title>{describe(key)}</title>
            <text className="chart-label" x={0} y={row * rowHeight + (labelHeight === 0 ? 19 : 14)}>
              {`${key.kid.slice(0, 8)}…  ${key.alg}, ${formatAge(key, now)}`}
            </text>
            {spansOf(key, until).map((span) => (
              <rect
                key={span.kind}
                className={`key-${span.kind}`}
                x={x(span.from)}
                y={row * rowHeight + labelHeight + 7}
                width={Math.max(3, x(span.until) - x(span.from))}
                height={16}
                rx={3}
              />
            ))}
          </g>
        ))}
        {x(now) - left > labelRoom && (
          <text className="chart-label" x={left} y={height - 6}>
            {formatDay(from)}
          </text>
        )}
        <text className="chart-label chart-label-now" x={x(now)} y={height - 6} textAnchor="middle">
          now
        </text>
        {width - x(now) > labelRoom && (
          <text className="chart-label" x={width} y={height - 6} textAnchor="end">
            {formatDay(until)}
          </text>
        )}
      </svg>
      <figcaption className="legend">
        <span className="legend-next">Published, not yet signing</span>
        <span className="legend-signing">Signing</span>
        <span className="legend-retired">Verifying only</span>
      </figcaption>
    </figure>
  );
}

/** `end` is where spans without an end are cut off. */
function spansOf(key: SigningKey, end: number): Span[] {
  const signsFrom = Date.parse(key.signs_from);
  const signsUntil = key.signs_until === null ? end : Date.parse(key.signs_until);
  const verifiesUntil = key.verifies_until === null ? signsUntil : Date.parse(key.verifies_until);
  const spans: Span[] = [
    { kind: 'next', from: Date.parse(key.created_at), until: signsFrom },
    { kind: 'signing', from: signsFrom, until: signsUntil },
    { kind: 'retired', from: signsUntil, until: verifiesUntil },
  ];
  return spans.filter((span) => span.until > span.from);
}

function formatAge({ created_at }: SigningKey, now: number): string {
  const days = Math.floor((now - Date.parse(created_at)) / dayMs);
  return days === 1 ? '1 day old' : `${days} days old`;
}

function describe({ kid, alg, status }: SigningKey): string {
  return `${kid} (${alg}): ${status}`;
}
