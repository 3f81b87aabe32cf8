/** How many tokens were issued and how many requests failed, by hour. */
import { type ApiPlugin, nullable } from '@postern/http-api';
import { clientWarningDays } from '@postern/protocol/api-limits';
import type { Kysely } from 'kysely';
import { Type } from 'typebox';
import { countExpiring } from '../clients/client-expiry.ts';
import type { Database } from '../db/schema.ts';
import { operation } from '../http/operation.ts';
import { msPerHour } from './pending-usage.ts';
import { issuedBySecret, statisticsDays, type Usage } from './usage.ts';
import { countClientsByUse, listBusiestSecretClients, loadOutcomes } from './usage-store.ts';

export const StatisticsView = Type.Object(
  {
    buckets: Type.Array(
      Type.Object(
        {
          from: Type.String({ format: 'date-time', description: 'The start of the hour.' }),
          issued: Type.Integer(),
          issued_by_secret: Type.Integer({
            description: 'Those of the issued tokens whose client proved who it is by a shared secret.',
          }),
          refused: Type.Integer(),
          refused_by: Type.Record(Type.String(), Type.Integer(), {
            description: 'Refused requests by the reason in the log, or by the error code if there is no reason.',
          }),
        },
        { title: 'HourStatistics' },
      ),
      { description: 'Every hour, oldest first. The last one is not over yet.' },
    ),
    clients: Type.Object({
      total: Type.Integer(),
      enabled: Type.Integer(),
      expiring: Type.Integer({
        description: `Enabled clients that have expired, or expire within ${clientWarningDays} days.`,
      }),
      active: Type.Integer({ description: 'Clients that got a token within these hours.' }),
    }),
    busiest_secret_clients: Type.Array(
      Type.Object(
        { client_id: Type.String(), name: nullable(Type.String()), tokens_issued: Type.Integer() },
        { title: 'SecretClient' },
      ),
      {
        description:
          'The clients with a secret that were issued the most tokens so far, among the 2,000 clients that got one last, within ' +
          'these hours: those to move next to a key or a token of their platform. At most five.',
      },
    ),
  },
  { title: 'Statistics' },
);

const Query = Type.Object(
  {
    hours: Type.Integer({ minimum: 1, maximum: statisticsDays * 24, default: 24 }),
  },
  { additionalProperties: false },
);

export interface StatisticsEndpointOptions {
  readonly db: Kysely<Database>;
  readonly usage: Usage;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function statisticsEndpoint({ db, usage, now }: StatisticsEndpointOptions): ApiPlugin {
  return async (app) => {
    app.get(
      '/api/v1/oauth/statistics',
      operation('get_statistics', 'audit:read', 'Read how many token requests succeeded and failed, by hour', {
        description: 'Tokens that other nodes issued within the last minute may be missing.',
        query: Query,
        answer: StatisticsView,
      }),
      async (request) => {
        const { hours } = request.query;
        const first = Math.floor(now() / msPerHour) - hours + 1;
        await usage.write();
        const outcomes = await loadOutcomes(db, first);
        return {
          buckets: Array.from({ length: hours }, (_, index) => toBucket(first + index, outcomes.get(first + index))),
          clients: {
            ...(await countClientsByUse(db, first * msPerHour)),
            expiring: await countExpiring(db, now()),
          },
          busiest_secret_clients: (await listBusiestSecretClients(db, first * msPerHour, 5)).map(
            ({ clientId, name, tokensIssued }) => ({ client_id: clientId, name, tokens_issued: tokensIssued }),
          ),
        };
      },
    );
  };
}

function toBucket(hour: number, outcomes: ReadonlyMap<string, number> = new Map()) {
  const refusals = [...outcomes].filter(([outcome]) => outcome !== 'issued' && outcome !== issuedBySecret);
  return {
    from: new Date(hour * msPerHour).toISOString(),
    issued: outcomes.get('issued') ?? 0,
    issued_by_secret: outcomes.get(issuedBySecret) ?? 0,
    refused: refusals.reduce((sum, [, requests]) => sum + requests, 0),
    refused_by: Object.fromEntries(refusals),
  };
}
