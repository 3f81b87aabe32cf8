/** Whether the process lives, and whether it can serve. */
import { OAuthError } from '@postern/protocol';
import { type Kysely, sql } from 'kysely';
import { Type } from 'typebox';
import type { Database } from './db/schema.ts';
import type { ProtocolPlugin } from './http/api.ts';

const Healthy = Type.Object({ status: Type.Literal('ok') });

export function healthEndpoint(db: Kysely<Database>): ProtocolPlugin {
  return async (app) => {
    app.get(
      '/health',
      {
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
        schema: {
          tags: ['Operation'],
          operationId: 'ready',
          summary: 'The database answers too',
          response: { 200: Healthy },
        },
      },
      async () => {
        try {
          await sql`select 1 from clients limit 1`.execute(db);
        } catch (cause) {
          throw new OAuthError('temporarily_unavailable', 'The database does not answer.', { cause });
        }
        return { status: 'ok' };
      },
    );
  };
}
