/** Tokens issued and requests rejected over time, as bars, and as a table of the values. */
import { useWidth } from '../ui/use-width.ts';
import { niceCeiling, type Period } from './statistics.ts';

interface TrafficChartProps {
  readonly periods: readonly Period[];
  /** Labels the bars by hour instead of by day. */
  readonly byHour: boolean;
}

const height = 200;
const left = 44;
const bottom = 22;
const top = 18;

const hourFormat = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hour12: false });
const dayFormat = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric' });
const exactFormat = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });
const countFormat = new Intl.NumberFormat('en', { notation: 'compact' });

export function TrafficChart({ periods, byHour }: TrafficChartProps) {
  const [frame, width] = useWidth<HTMLElement>();
  const highest = Math.max(0, ...periods.map(({ issued, refused }) => issued + refused));
  const ceiling = niceCeiling(highest);
  const step = Math.max(0, width - left) / Math.max(1, periods.length);
  const scale = (height - top - bottom) / ceiling;
  const floor = height - bottom;
  const labelEvery = Math.max(1, Math.ceil(periods.length / Math.max(1, Math.floor(width / 90))));
  return (
    <figure className="chart" ref={frame}>
      <svg width={width} height={height} role="img" aria-label="Tokens issued and requests rejected over time">
        {[0, ceiling / 2, ceiling].map((value) => (
          <g key={value}>
            <line className="chart-grid" x1={left} x2={width} y1={floor - value * scale} y2={floor - value * scale} />
            <text className="chart-label" x={left - 8} y={floor - value * scale + 4} textAnchor="end">
              {countFormat.format(value)}
            </text>
          </g>
        ))}
        {periods.map(({ from, issued, refused }, index) => {
          const x = left + index * step;
          const bar = Math.max(1, step - Math.min(3, step / 4));
          return (
            <g key={from}>
              <title>{`${exactFormat.format(new Date(from))}: ${issued} issued, ${refused} rejected`}</title>
              <rect className="chart-hit" x={x} y={top} width={step} height={floor - top} />
              <rect className="chart-issued" x={x} y={floor - issued * scale} width={bar} height={issued * scale} />
              <rect
                className="chart-refused"
                x={x}
                y={floor - (issued + refused) * scale}
                width={bar}
                height={refused * scale}
              />
              {issued + refused > 0 && (step >= 26 || issued + refused === highest) && (
                <text
                  className="chart-label"
                  x={Math.min(x + bar / 2, width - 16)}
                  y={floor - (issued + refused) * scale - 3}
                  textAnchor="middle"
                >
                  {countFormat.format(issued + refused)}
                </text>
              )}
              {index % labelEvery === 0 && (
                <text className="chart-label" x={x} y={height - 6}>
                  {(byHour ? hourFormat : dayFormat).format(new Date(from))}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <figcaption className="legend">
        <span className="legend-issued">Tokens issued</span>
        <span className="legend-refused">Requests rejected</span>
      </figcaption>
      <details>
        <summary>Values</summary>
        <table className="chart-values">
          <caption className="visually-hidden">Tokens issued and requests rejected over time</caption>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">Issued</th>
              <th scope="col">Rejected</th>
            </tr>
          </thead>
          <tbody>
            {periods
              .filter(({ issued, refused }) => issued + refused > 0)
              .map(({ from, issued, refused }) => (
                <tr key={from}>
                  <th scope="row">{exactFormat.format(new Date(from))}</th>
                  <td>{issued}</td>
                  <td>{refused}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
