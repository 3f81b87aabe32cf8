/** The plan of a run: which faults happen when, all of it from the seed. */
import type { Random } from './random.ts';

/** Faults of the database come one after the other. Durations are in milliseconds. */
export type DatabaseFault =
  | { readonly fault: 'kill the database'; readonly forMs: number }
  | { readonly fault: 'pause the database'; readonly forMs: number }
  | { readonly fault: 'fail over' }
  /** The replica is cut off for a while before, so that it lacks the last changes. */
  | { readonly fault: 'fail over to a replica that is behind'; readonly forMs: number }
  | { readonly fault: 'copy the volume' }
  | { readonly fault: 'restore the volume' };

export type ProcessFault =
  | { readonly fault: 'kill' | 'pause' | 'cut the link' | 'silence the link'; readonly forMs: number }
  | { readonly fault: 'set the clock'; readonly offsetMs: number; readonly forMs: number }
  /** Of a guard: connects it with another node. */
  | { readonly fault: 'move'; readonly node: string }
  /** Of a node: what it is asked to do. */
  | { readonly fault: 'rotate the key' | 'revoke a key' | 'revoke all tokens' };

export type Step = { readonly atMs: number } & (DatabaseFault | (ProcessFault & { readonly process: string }));

export interface PlanOptions {
  readonly nodes: readonly string[];
  readonly guards: readonly string[];
  readonly durationMs: number;
  readonly random: Random;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Jumps of clocks: within what is tolerated, some minutes, and beyond the lifetime of every token. */
const clockOffsets = [3 * second, -3 * second, 2 * minute, -2 * minute, 2 * hour, -2 * hour, 9 * day, -9 * day];

export function makePlan({ nodes, guards, durationMs, random }: PlanOptions): Step[] {
  return [...planDatabase(durationMs, random.fork('database')), ...planProcesses()]
    .map((step) => ('forMs' in step ? { ...step, forMs: Math.min(step.forMs, durationMs - step.atMs) } : step))
    .toSorted((one, other) => one.atMs - other.atMs);

  function planProcesses(): Step[] {
    const draw = random.fork('processes');
    const steps: Step[] = [];
    const freeFrom = new Map<string, number>();
    for (let atMs = draw.between(1_000, 2_000); atMs < durationMs - second; atMs += draw.between(2_000, 5_000)) {
      const process = draw.pick([...nodes, ...guards]);
      const fault = planFault(process, draw);
      if ((freeFrom.get(process) ?? 0) <= atMs) {
        steps.push({ atMs, process, ...fault });
        freeFrom.set(process, atMs + ('forMs' in fault ? fault.forMs : 0) + 4 * second);
      }
    }
    return steps;
  }

  function planFault(process: string, draw: Random): ProcessFault {
    const isGuard = guards.includes(process);
    const kind = draw.next();
    const forMs = planDuration(draw);
    const offsetMs = draw.pick(clockOffsets);
    const node = draw.pick(nodes);
    if (kind < 0.2) {
      return { fault: 'kill', forMs: Math.min(forMs, 3 * second) };
    }
    if (kind < 0.4) {
      return { fault: 'pause', forMs };
    }
    if (kind < 0.55) {
      return { fault: 'cut the link', forMs };
    }
    if (kind < 0.7) {
      return { fault: 'silence the link', forMs };
    }
    if (kind < 0.88) {
      // Some are long enough that what runs once a minute runs meanwhile.
      return { fault: 'set the clock', offsetMs, forMs: draw.chance(0.3) ? forMs + minute : forMs };
    }
    return isGuard
      ? { fault: 'move', node }
      : { fault: draw.pick(['rotate the key', 'revoke a key', 'revoke all tokens'] as const) };
  }
}

function planDatabase(durationMs: number, draw: Random): Step[] {
  const steps: Step[] = [{ atMs: draw.between(500, 1_500), fault: 'copy the volume' }];
  for (let atMs = draw.between(3_000, 6_000); atMs < durationMs - 2 * second; atMs += draw.between(10_000, 18_000)) {
    steps.push({ atMs, ...planDatabaseFault(draw) });
  }
  return steps;
}

function planDatabaseFault(draw: Random): DatabaseFault {
  const kind = draw.next();
  const forMs = planDuration(draw);
  if (kind < 0.2) {
    return { fault: 'kill the database', forMs };
  }
  if (kind < 0.35) {
    return { fault: 'pause the database', forMs };
  }
  if (kind < 0.55) {
    return { fault: 'fail over' };
  }
  if (kind < 0.75) {
    return { fault: 'fail over to a replica that is behind', forMs: draw.between(1_000, 3_000) };
  }
  return { fault: kind < 0.85 ? 'copy the volume' : 'restore the volume' };
}

/** Most faults are short; some outlast the time for which nodes and guards continue without news. */
function planDuration(draw: Random): number {
  return draw.chance(0.85) ? draw.between(300, 2_500) : draw.between(4_000, 10_000);
}

/** For the log, so that a run can be compared with another. */
export function formatStep({ atMs, fault, ...more }: Step): string {
  const details = Object.entries(more).map(([name, value]) => `${name} ${value}`);
  return `${(atMs / 1_000).toFixed(1).padStart(6)} s  ${fault}${details.length > 0 ? ` (${details.join(', ')})` : ''}`;
}
