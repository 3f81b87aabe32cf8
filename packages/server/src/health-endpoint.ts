/** Whether the process lives, and whether it can serve. */
import { Type } from 'typebox';
import type { EventLog } from './events/event-log.ts';
import type { ProtocolPlugin } from './http/api.ts';

const Healthy = Type.Object({ status: Type.Literal('ok') });

const Ready = Type.Object({
  status: Type.Union([Type.Literal('ok'), Type.Literal('degraded')], {
    description: 'degraded: the database does not answer, and the node goes on for a while with what it knows.',
  }),
  lag_seconds: Type.Number({ description: 'Since when the node has not heard of the changes of others.' }),
});

/** Seconds without news after which something is wrong: several looks of `follow-log.ts`. */
const usualLagSeconds = 2;

export function healthEndpoint(events: EventLog): ProtocolPlugin {
  return async (app) => {
    app.get(
      '/health',
      {
        config: { neverShed: true },
        schema: {
          tags: ['Operation'],
          operationId: 'health',
          summary: 'The process answers',
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
          summary: 'The node can issue and verify tokens',
          description: '503 once it has not reached the database for POSTERN_MAX_STALENESS_SECONDS.',
          response: { 200: Ready },
        },
      },
      async () => {
        events.requireCurrent();
        const lagSeconds = events.lagSeconds();
        return { status: lagSeconds > usualLagSeconds ? 'degraded' : 'ok', lag_seconds: lagSeconds };
      },
    );
  };
}
