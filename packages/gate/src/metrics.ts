/** The metrics of a gate, in the text format of Prometheus. */
import type { ErrorCode } from '@postern/protocol';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface GateMetrics {
  readonly contentType: string;
  read(): Promise<string>;
  record(outcome: 'passed' | ErrorCode, durationMs: number): void;
  recordReload(isDone: boolean): void;
  /** Reports how far the known revocations lag behind from now on. */
  watchLag(lagSeconds: () => number | undefined): void;
}

export function createGateMetrics(): GateMetrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register });
  const decisions = new Counter({
    name: 'postern_gate_decisions_total',
    help: 'Decisions by their outcome: passed, or the error code.',
    labelNames: ['outcome'],
    registers,
  });
  const countersOf = new Map<string, { inc(): void }>();
  const durations = new Histogram({
    name: 'postern_gate_decision_seconds',
    help: 'Time that decisions took, without reading the request and writing the answer.',
    buckets: [0.00002, 0.0001, 0.0005, 0.002, 0.01, 0.1, 1, 10],
    registers,
  });
  const reloads = new Counter({
    name: 'postern_gate_reloads_total',
    help: 'Attempts to read the file again, by whether it was valid.',
    labelNames: ['result'],
    registers,
  });
  return {
    contentType: register.contentType,
    read: () => register.metrics(),
    record(outcome, durationMs) {
      let counter = countersOf.get(outcome);
      if (counter === undefined) {
        counter = decisions.labels(outcome);
        countersOf.set(outcome, counter);
      }
      counter.inc();
      durations.observe(durationMs / 1000);
    },
    recordReload: (isDone) => reloads.inc({ result: isDone ? 'done' : 'failed' }),
    watchLag(lagSeconds) {
      new Gauge({
        name: 'postern_gate_revocation_lag_seconds',
        help: 'Seconds that the known revocations lag behind the issuer. Infinity before the first answer; absent if none are followed.',
        registers,
        collect() {
          const lag = lagSeconds();
          if (lag === undefined) {
            this.reset();
            this.remove();
          } else {
            this.set(lag);
          }
        },
      });
    },
  };
}
