/** Which of their scopes clients use. */
import { type ApiPlugin, nullable, PageQuery, pageOf, pageView, sliceOf } from '@postern/http-api';
import type { Kysely } from 'kysely';
import { Type } from 'typebox';
import { getClient } from '../clients/client-store.ts';
import type { Database } from '../db/schema.ts';
import { operation } from '../http/operation.ts';
import type { TokenQuota } from '../limits/token-quota.ts';
import { listUnusedScopes } from './unused-scope-store.ts';
import type { Usage } from './usage.ts';
import { type ClientUsage, findClientUsage, findScopeUsage } from './usage-store.ts';

const counts = {
  tokens_issued: Type.Integer({ description: 'Since the client was created.' }),
  last_issued_at: nullable(Type.String({ format: 'date-time' })),
};

export const ClientUsageView = Type.Object(
  {
    ...counts,
    quotas: Type.Array(
      Type.Object(
        {
          per: Type.Enum(['minute', 'day', 'month']),
          most: Type.Integer(),
          used: Type.Integer(),
          ends_at: Type.String({
            format: 'date-time',
            description: 'When it begins again: the end of the period, in UTC.',
          }),
        },
        { title: 'QuotaUse' },
      ),
      { description: 'Each quota of the client, and how many tokens it has got in the present period.' },
    ),
    scopes: Type.Array(Type.Object({ scope: Type.String(), ...counts }, { title: 'ScopeUsage' }), {
      description: 'Every scope of the client, and how many tokens had it.',
    }),
  },
  { title: 'ClientUsage' },
);

export const UnusedScopesView = Type.Object(
  {
    client_id: Type.String(),
    name: nullable(Type.String()),
    created_at: Type.String({ format: 'date-time' }),
    last_issued_at: nullable(
      Type.String({ format: 'date-time', description: 'When it got its last token; null: it has never got one.' }),
    ),
    too_young: Type.Boolean({
      description: 'The client was created within these days, so that it is too early to withdraw its scopes.',
    }),
    scopes: Type.Array(Type.String(), { description: 'Scopes that none of its tokens has had for these days.' }),
  },
  { title: 'UnusedScopes' },
);

const ClientPath = Type.Object({ client_id: Type.String() });

const UnusedQuery = Type.Object(
  {
    ...PageQuery.properties,
    days: Type.Integer({
      minimum: 1,
      maximum: 3_650,
      default: 90,
      description: 'Days without a token.',
    }),
  },
  { additionalProperties: false },
);

export interface UsageEndpointOptions {
  readonly db: Kysely<Database>;
  readonly usage: Usage;
  readonly tokenQuota: Pick<TokenQuota, 'read'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function usageEndpoint({ db, usage, tokenQuota, now }: UsageEndpointOptions): ApiPlugin {
  return async (app) => {
    app.get(
      '/api/v1/oauth/client/:client_id/usage',
      operation('get_client_usage', 'client:read', 'Read how many tokens a client got, by scope', {
        description: 'Tokens that other nodes issued within the last minute may be missing.',
        params: ClientPath,
        answer: ClientUsageView,
      }),
      async (request) => {
        const client = await getClient(db, request.params.client_id);
        await usage.write();
        const scopes = await findScopeUsage(db, client.id);
        return {
          ...toView(await findClientUsage(db, client.id)),
          quotas: (await tokenQuota.read(client)).map(({ endsAt, ...use }) => ({
            ...use,
            ends_at: new Date(endsAt).toISOString(),
          })),
          scopes: [...client.scopes].map((scope) => ({ scope, ...toView(scopes.get(scope)) })),
        };
      },
    );

    app.get(
      '/api/v1/oauth/usage/unused',
      operation(
        'list_unused_scopes',
        'client:read',
        'List the clients with scopes that they do not use, oldest first',
        {
          query: UnusedQuery,
          answer: pageView(UnusedScopesView),
        },
      ),
      async ({ query }) => {
        const { days } = query;
        await usage.write();
        const since = new Date(now() - days * 86_400_000).toISOString();
        const { items, total } = await listUnusedScopes(db, since, sliceOf(query, 2));
        return pageOf(
          items,
          total,
          query,
          ({ clientId, name, createdAt, lastIssuedAt, scopes }) => ({
            client_id: clientId,
            name,
            created_at: createdAt,
            last_issued_at: lastIssuedAt,
            too_young: createdAt > since,
            scopes: [...scopes],
          }),
          ({ createdAt, clientId }) => [createdAt, clientId],
        );
      },
    );
  };
}

function toView(usage: ClientUsage | undefined) {
  return { tokens_issued: usage?.tokensIssued ?? 0, last_issued_at: usage?.lastIssuedAt ?? null };
}
