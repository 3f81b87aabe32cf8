/**
 * What a node counts and measures, in the format of Prometheus. docs/metrics.md explains each.
 *
 * Labels have few values, all known beforehand: routes as they are declared, codes, reasons. Never an id of a client,
 * an address or anything else that callers choose: that is for the log and the audit trail.
 */
import type { OAuthError } from '@postern/protocol';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Notes an answer of one route: its status, the seconds that it took, and the error where it is one. */
export type NoteAnswer = (status: number, seconds: number, refusal: OAuthError | undefined) => void;

export interface Metrics {
  readonly registry: Registry;
  recordIssued(grantType: string): void;
  /** What notes the answers of a route, to be kept. */
  ofRoute(method: string, route: string): NoteAnswer;
}

/** What is not counted as it happens, but read when somebody asks. */
export interface MetricSources {
  readonly inFlight: () => number;
  readonly clientCache: () => { readonly hits: number; readonly misses: number; readonly clients: number };
  readonly eventLagSeconds: () => number;
  readonly databaseOutages: () => number;
  /** By algorithm, the age of the key that signs. */
  readonly signingKeyAges: () => ReadonlyMap<string, number>;
}

export function createMetrics(grantTypes: readonly string[], sources: MetricSources): Metrics {
  const registry = new Registry();
  const registers = [registry];

  // All from the start, so that a rate is known from the first token on.
  const issuedBy = new Map(grantTypes.map((grantType) => [grantType, 0]));
  new Counter({
    name: 'postern_tokens_issued_total',
    help: 'Access tokens issued',
    labelNames: ['grant_type'],
    registers,
    collect() {
      this.reset();
      for (const [grant_type, tokens] of issuedBy) {
        this.inc({ grant_type }, tokens);
      }
    },
  });
  const refused = new Counter({
    name: 'postern_requests_refused_total',
    help: 'Requests answered with an error, by its code and by the reason that only the log has',
    labelNames: ['method', 'route', 'code', 'reason'],
    registers,
  });
  const duration = new Histogram({
    name: 'postern_request_duration_seconds',
    help: 'Time from the headers of a request to the end of its answer, by the first digit of the status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  addReadings(registry, sources);

  return {
    registry,
    recordIssued: (grantType) => issuedBy.set(grantType, (issuedBy.get(grantType) ?? 0) + 1),
    ofRoute(method, route) {
      const byStatus = ['1xx', '2xx', '3xx', '4xx', '5xx'].map((status) => duration.labels(method, route, status));
      return (status, seconds, refusal) => {
        byStatus[Math.floor(status / 100) - 1]?.observe(seconds);
        if (refusal !== undefined) {
          refused.inc({ method, route, code: refusal.code, reason: refusal.reason ?? 'none' });
        }
      };
    },
  };
}

/** Where several processes serve, their readings are added up, but for those of which only the worst one counts. */
function addReadings(registry: Registry, sources: MetricSources): void {
  const registers = [registry];
  const gauge = (name: string, help: string, aggregator: 'sum' | 'max', read: () => number) =>
    new Gauge({
      name,
      help,
      aggregator,
      registers,
      collect() {
        this.set(read());
      },
    });
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });

  const { inFlight, clientCache, eventLagSeconds, databaseOutages, signingKeyAges } = sources;
  gauge(
    'postern_requests_in_flight',
    'Requests that are begun and not answered, those aside that wait for news',
    'sum',
    inFlight,
  );
  counter('postern_client_cache_hits_total', 'Clients that were in memory', () => clientCache().hits);
  counter('postern_client_cache_misses_total', 'Clients that were read from the database', () => clientCache().misses);
  gauge('postern_client_cache_clients', 'Clients in memory', 'sum', () => clientCache().clients);
  gauge(
    'postern_event_lag_seconds',
    'Since when the node has not heard of the changes of others',
    'max',
    eventLagSeconds,
  );
  counter(
    'postern_database_outages_total',
    'Statements that failed because the database was out of reach, busy or full',
    databaseOutages,
  );
  new Gauge({
    name: 'postern_signing_key_age_seconds',
    help: 'For how long the key that signs has done so',
    labelNames: ['alg'],
    aggregator: 'max',
    registers,
    collect() {
      this.reset();
      for (const [alg, seconds] of signingKeyAges()) {
        this.set({ alg }, seconds);
      }
    },
  });
}
