/** When a process could have news, by what the harness broke: for a guard, everything between it and the database counts. */
import { type HistoryRecord, type OutageRecord, starved } from './history.ts';
import type { Promises } from './promises.ts';

export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** What was broken on the way of news to each process. */
export class Outages {
  readonly #records: readonly HistoryRecord[];
  readonly #promises: Promises;
  readonly #known = new Map<string, readonly Interval[]>();

  constructor(records: readonly HistoryRecord[], promises: Promises) {
    this.#records = records;
    this.#promises = promises;
  }

  /** In order and apart from each other; each lasts until the process must have recovered. */
  of(process: string): readonly Interval[] {
    const known = this.#known.get(process) ?? merge(this.#collect(process));
    this.#known.set(process, known);
    return known;
  }

  /** The outage that touches the interval. */
  find(process: string, { from, to }: Interval): Interval | undefined {
    return this.of(process).find((outage) => outage.from <= to && outage.to >= from);
  }

  /**
   * The latest time at which a process may still accept what ended at `endedAt`. Once it has had a second of news, it knows. If
   * it has had none since, its news is older than the end, and it must refuse everything when that is too old.
   */
  deadline(process: string, endedAt: number): number {
    const { deadAfterMs, stalenessSlackMs } = this.#promises;
    const staleMs = isGuard(process) ? this.#promises.guardStalenessMs : this.#promises.nodeStalenessMs;
    let deadline = endedAt + deadAfterMs;
    for (const outage of this.of(process)) {
      if (outage.to > endedAt && outage.from < deadline) {
        deadline = outage.to + deadAfterMs;
      }
    }
    return Math.min(deadline, endedAt + staleMs + stalenessSlackMs);
  }

  #collect(process: string): Interval[] {
    const { nodeRecoveryMs, guardRecoveryMs } = this.#promises;
    if (!isGuard(process)) {
      return this.#of([process, `link of ${process}`, 'database', 'machine'], () => nodeRecoveryMs);
    }
    return [
      ...this.#of([process, `link of ${process}`, 'machine'], () => guardRecoveryMs),
      ...this.#routesOf(process).flatMap(({ node, from, to }) =>
        this.#ofNode(node).flatMap((outage) => {
          const during = { from: Math.max(outage.from, from), to: Math.min(outage.to, to) };
          return during.from < during.to ? [during] : [];
        }),
      ),
    ];
  }

  /** Of a node, until the guards behind it must have recovered. */
  #ofNode(node: string): Interval[] {
    const { nodeRecoveryMs, guardRecoveryMs, nodeStalenessMs } = this.#promises;
    const bothMs = nodeRecoveryMs + guardRecoveryMs;
    const losses = this.#records.flatMap((record) =>
      record.type === 'database' && record.mayHaveLost ? [{ from: record.at, to: record.at + bothMs }] : [],
    );
    return [
      ...losses,
      ...this.#of([node], () => bothMs),
      // While its news is not too old, a node continues to answer guards, so these need not recover.
      ...this.#of([`link of ${node}`, 'database'], ({ from, to }) =>
        to - from < nodeStalenessMs ? nodeRecoveryMs : bothMs,
      ),
    ];
  }

  /** Of parts of the system, each with the time that recovering from it takes. After a time without a processor it takes none. */
  #of(parts: readonly string[], recoveryMs: (outage: OutageRecord) => number): Interval[] {
    return this.#records.flatMap((record) =>
      record.type === 'outage' && parts.includes(record.of)
        ? [{ from: record.from, to: record.to + (record.cause === starved ? 0 : recoveryMs(record)) }]
        : [],
    );
  }

  #routesOf(guard: string): (Interval & { readonly node: string })[] {
    const routes = this.#records.flatMap((record) =>
      record.type === 'route' && record.guard === guard ? [record] : [],
    );
    return routes.map(({ node, at }, index) => ({
      node,
      from: at,
      to: routes[index + 1]?.at ?? Number.POSITIVE_INFINITY,
    }));
  }
}

export function isGuard(process: string): boolean {
  return process.startsWith('guard');
}

function merge(intervals: readonly Interval[]): Interval[] {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of intervals.toSorted((one, other) => one.from - other.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) {
      last.to = Math.max(last.to, to);
    } else {
      merged.push({ from, to });
    }
  }
  return merged;
}
