/**
 * The metrics of a node, in the Prometheus format. docs/metrics.md explains each.
 *
 * Labels have few values, all known beforehand: routes as they are declared, codes, reasons. They never hold a client id,
 * an address or anything else that callers choose: these are in the log and the audit trail.
 */

import type { OAuthError } from '@postern/protocol';
import { clientWarningDays } from '@postern/protocol/api-limits';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CertificateExpiry } from '../certificates/certificate-expiry.ts';
import type { RevocationList } from '../certificates/revocation-lists.ts';

export interface Metrics {
  readonly registry: Registry;
  recordIssued(grantType: string): void;
  recordRootRequest(): void;
  /** Records an answer of a route: its status, the seconds that it took, and the error if it is one. */
  recordAnswer(
    route: { readonly method: string; readonly route: string },
    status: number,
    seconds: number,
    refusal: OAuthError | undefined,
  ): void;
}

/** Values that are read when the metrics are scraped, instead of counted as they change. */
export interface MetricSources {
  readonly inFlight: () => number;
  readonly clientCache: () => { readonly hits: number; readonly misses: number; readonly clients: number };
  readonly eventLagSeconds: () => number;
  readonly databaseOutages: () => number;
  readonly isWritable: () => boolean;
  /** Failed fetches of keys of third parties. */
  readonly keysFaults: () => number;
  /** By algorithm, the age of the key that signs. */
  readonly signingKeyAges: () => ReadonlyMap<string, number>;
  readonly certificateExpiries: () => readonly CertificateExpiry[];
  readonly revocationLists: () => readonly RevocationList[];
  readonly checkpoints: () => { readonly isIntact: boolean; readonly failures: number };
  /** How often lost changes were found, and when, if that still matters. */
  readonly history: { losses(): number; lostAt(): number | undefined };
  readonly ignoredForwardedHeaders: () => number;
  /** How many secrets have only the digest of another server. */
  readonly importedSecrets: () => number;
  readonly expiringClients: () => number;
  readonly quotaRefusals: () => Readonly<Record<string, number>>;
  readonly refusedProxyConnections: () => number;
  readonly revocationFeedEntries: () => number;
}

export function createMetrics(grantTypes: readonly string[], sources: MetricSources): Metrics {
  const registry = new Registry();
  const registers = [registry];

  const issued = new Counter({
    name: 'postern_tokens_issued_total',
    help: 'Access tokens issued',
    labelNames: ['grant_type'],
    registers,
  });
  for (const grant_type of grantTypes) {
    // Starts each series at 0, so that its rate includes the first token.
    issued.inc({ grant_type }, 0);
  }
  const refused = new Counter({
    name: 'postern_requests_refused_total',
    help: 'Requests answered with an error, by its code and by the reason, which is otherwise only in the log',
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
  const rootRequests = new Counter({
    name: 'postern_root_requests_total',
    help: "Requests with the root client's credentials or with a token of root",
    registers,
  });
  addReadings(registry, sources);

  return {
    registry,
    recordIssued: (grant_type) => issued.inc({ grant_type }),
    recordRootRequest: () => rootRequests.inc(),
    recordAnswer(route, status, seconds, refusal) {
      duration.observe({ ...route, status: `${Math.floor(status / 100)}xx` }, seconds);
      if (refusal !== undefined) {
        refused.inc({ ...route, code: refusal.code, reason: refusal.reason ?? 'none' });
      }
    },
  };
}

/** Adds the metrics of `sources`. Those of several workers are added up, or the largest counts, by `aggregator`. */
function addReadings(registry: Registry, sources: MetricSources): void {
  const registers = [registry];
  const gauge = (name: string, help: string, aggregator: 'sum' | 'max' | 'min', read: () => number) =>
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

  const { inFlight, clientCache, eventLagSeconds, databaseOutages, signingKeyAges, ignoredForwardedHeaders } = sources;
  const { certificateExpiries } = sources;
  gauge(
    'postern_requests_in_flight',
    'Requests that are not answered yet, except those whose body has not arrived and those that wait for changes',
    'sum',
    inFlight,
  );
  counter('postern_client_cache_hits_total', 'Client lookups answered from memory', () => clientCache().hits);
  counter('postern_client_cache_misses_total', 'Client lookups answered from the database', () => clientCache().misses);
  gauge('postern_client_cache_clients', 'Clients in memory', 'sum', () => clientCache().clients);
  gauge(
    'postern_imported_secrets_pending',
    'Secrets from another server that wait for their first use',
    'max',
    sources.importedSecrets,
  );
  gauge(
    'postern_clients_expiring',
    `Enabled clients that have expired, or expire within ${clientWarningDays} days`,
    'max',
    sources.expiringClients,
  );
  gauge(
    'postern_event_lag_seconds',
    'Seconds since the node last read the changes of other nodes',
    'max',
    eventLagSeconds,
  );
  gauge('postern_database_writable', '1 if a change can be made, as of the last attempt, otherwise 0', 'min', () =>
    sources.isWritable() ? 1 : 0,
  );
  counter(
    'postern_database_outages_total',
    'Statements that failed because the database was out of reach, busy or full',
    databaseOutages,
  );
  counter(
    'postern_key_fetch_failures_total',
    'Fetches of the keys of clients and issuers that failed; the log names the addresses',
    sources.keysFaults,
  );
  counter(
    'postern_forwarded_headers_ignored_total',
    'Requests with forwarded headers from an address that POSTERN_TRUSTED_PROXIES does not name',
    ignoredForwardedHeaders,
  );
  counter(
    'postern_proxy_connections_refused_total',
    'Connections from a trusted proxy that were closed because they did not begin with a header of the PROXY protocol',
    sources.refusedProxyConnections,
  );
  gauge(
    'postern_revocation_feed_entries',
    'Revoked tokens and changed clients in the revocation feed, which every API keeps in memory',
    'max',
    sources.revocationFeedEntries,
  );
  gauge('postern_audit_trail_changed', '1 if the audit trail was found changed when it was last verified', 'max', () =>
    sources.checkpoints().isIntact ? 0 : 1,
  );
  counter(
    'postern_history_losses_total',
    'Times that the database was found to have lost changes, by a restore or a fail-over',
    sources.history.losses,
  );
  gauge(
    'postern_history_lost',
    '1 if the database has lost changes, until all tokens are revoked or those of that time have expired',
    'max',
    () => (sources.history.lostAt() === undefined ? 0 : 1),
  );
  counter(
    'postern_checkpoint_failures_total',
    'Checkpoints of the audit trail that were due and were not kept',
    () => sources.checkpoints().failures,
  );
  new Counter({
    name: 'postern_token_quota_refusals_total',
    help: 'Token requests that were refused because the client has used its quota per minute, day or month',
    labelNames: ['per'],
    registers,
    collect() {
      this.reset();
      for (const [per, count] of Object.entries(sources.quotaRefusals())) {
        this.inc({ per }, count);
      }
    },
  });
  new Gauge({
    name: 'postern_signing_key_age_seconds',
    help: 'Seconds since the current signing key began to sign',
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
  new Gauge({
    name: 'postern_certificate_expiry_timestamp_seconds',
    help: 'When the first certificate expires in the file that a variable names, in seconds since 1970',
    labelNames: ['variable'],
    aggregator: 'min',
    registers,
    collect() {
      this.reset();
      for (const { variable, expiresAt } of certificateExpiries()) {
        this.set({ variable }, expiresAt / 1000);
      }
    },
  });
  const firstTime = (name: string, help: string, read: () => readonly number[]) =>
    new Gauge({
      name,
      help: `${help}, in seconds since 1970`,
      aggregator: 'min',
      registers,
      collect() {
        const times = read();
        this.set(Math.min(...times) / 1000);
        if (times.length === 0) {
          this.remove();
        }
      },
    });
  const { revocationLists } = sources;
  firstTime(
    'postern_revocation_list_issue_timestamp_seconds',
    'When the oldest revocation list of POSTERN_TLS_CLIENT_CRL_FILE was issued',
    () => revocationLists().map(({ issuedAt }) => issuedAt),
  );
  firstTime(
    'postern_revocation_list_expiry_timestamp_seconds',
    'When the first revocation list of POSTERN_TLS_CLIENT_CRL_FILE expires',
    () => revocationLists().flatMap(({ expiresAt }) => expiresAt ?? []),
  );
}
