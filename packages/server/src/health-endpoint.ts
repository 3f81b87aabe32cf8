/** Health checks: whether the process responds, and whether it can issue and verify tokens. */
import { OAuthError } from '@postern/protocol';
import { certificateWarningMs } from '@postern/protocol/api-limits';
import { Type } from 'typebox';
import type { CertificateExpiry } from './certificates/certificate-expiry.ts';
import type { WriteProbe } from './db/write-probe.ts';
import type { EventLog } from './events/event-log.ts';
import type { History } from './history/history.ts';
import type { ProtocolPlugin } from './http/protocol-plugin.ts';

const Healthy = Type.Object({ status: Type.Literal('ok') }, { title: 'Health' });

const Ready = Type.Object(
  {
    status: Type.Union([Type.Literal('ok'), Type.Literal('degraded')], {
      description:
        'degraded: the database is unavailable or takes no changes, and the node continues with what it last read.',
    }),
    writable: Type.Boolean({
      description:
        'Whether a change can be made, as of an attempt in the last seconds. If not, tokens are still issued and verified, so ' +
        'the status code remains 200.',
    }),
    reason: Type.Optional(
      Type.String({
        description: 'Why no change can be made, such as disk_full, locked, standby, read_only, no_privileges.',
      }),
    ),
    detail: Type.Optional(Type.String({ description: 'The reason in words, and what to do about it.' })),
    lag_seconds: Type.Number({ description: 'Seconds since the node last read the changes of other nodes.' }),
    history_lost_at: Type.Optional(
      Type.String({
        format: 'date-time',
        description:
          'When it was found that the database has lost changes, by a restore or a fail-over: tokens that were revoked in ' +
          'them are valid again. Until all tokens are revoked, or those of that time have expired.',
      }),
    ),
    certificates_expiring: Type.Optional(
      Type.Array(
        Type.Object({
          variable: Type.String({ description: 'The variable that names the file.' }),
          expires_at: Type.String({ format: 'date-time' }),
        }),
        { description: 'Certificates of the configuration that expire within 14 days, or have expired.' },
      ),
    ),
    forwarded_headers_ignored: Type.Optional(
      Type.Literal(true, {
        description:
          'This request has forwarded headers, and came from an address that POSTERN_TRUSTED_PROXIES does not name.',
      }),
    ),
  },
  { title: 'Readiness' },
);

/** A larger lag means that something is wrong: `follow-log.ts` has polled several times in vain. */
const usualLagSeconds = 2;

export interface HealthOptions {
  readonly events: EventLog;
  readonly history: Pick<History, 'lostAt'>;
  /** Returns why what is written to the database would be lost. Undefined: it would not. */
  readonly findDatabaseFault: () => string | undefined;
  readonly writeProbe: Pick<WriteProbe, 'fault'>;
  readonly certificateExpiries: () => readonly CertificateExpiry[];
  readonly now: () => number;
}

export function healthEndpoint(options: HealthOptions): ProtocolPlugin {
  const { events, history, writeProbe, findDatabaseFault, certificateExpiries, now } = options;
  return async (app) => {
    app.get(
      '/health',
      {
        config: { neverShed: true },
        schema: {
          tags: ['Operation'],
          operationId: 'health',
          summary: 'Check that the process responds',
          response: { 200: Healthy },
        },
      },
      async () => ({ status: 'ok' }),
    );
    app.get(
      '/health/ready',
      {
        config: { neverShed: true },
        schema: {
          tags: ['Operation'],
          operationId: 'ready',
          summary: 'Check that the node can issue and verify tokens',
          description:
            'Answers 503 if the node has not reached the database for POSTERN_MAX_STALENESS_SECONDS, if the file of its database was moved, deleted or replaced, and from the moment when it was told to stop.',
          response: { 200: Ready },
        },
      },
      async (request) => {
        if (app.isClosing) {
          throw new OAuthError('temporarily_unavailable', 'The server is stopping.', { reason: 'stopping' });
        }
        const loss = findDatabaseFault();
        if (loss !== undefined) {
          throw new OAuthError('temporarily_unavailable', `The database is lost: ${loss}.`, {
            reason: 'database_lost',
          });
        }
        events.requireCurrent();
        const lagSeconds = events.lagSeconds();
        const lostAt = history.lostAt();
        const fault = writeProbe.fault();
        const expiring = certificateExpiries().filter(({ expiresAt }) => expiresAt < now() + certificateWarningMs);
        return {
          status: lagSeconds > usualLagSeconds || fault !== undefined ? 'degraded' : 'ok',
          lag_seconds: lagSeconds,
          writable: fault === undefined,
          ...fault,
          ...(lostAt !== undefined && { history_lost_at: new Date(lostAt).toISOString() }),
          ...(expiring.length > 0 && {
            certificates_expiring: expiring.map(({ variable, expiresAt }) => ({
              variable,
              expires_at: new Date(expiresAt).toISOString(),
            })),
          }),
          ...(request.hasIgnoredForwardedHeaders && { forwarded_headers_ignored: true }),
        };
      },
    );
  };
}
