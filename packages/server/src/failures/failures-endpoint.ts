/** Which clients fail to get tokens. */
import { type ApiPlugin, nullable, PageQuery, pageOf, pageView, printableText, sliceOf } from '@postern/http-api';
import { findOperatorLine } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { Type } from 'typebox';
import type { Database } from '../db/schema.ts';
import { operation } from '../http/operation.ts';
import { type FailureOrder, listFailures, type StoredFailure } from './failure-store.ts';
import { type Failures, failureDays } from './failures.ts';

const Time = Type.String({ format: 'date-time' });

export const FailureView = Type.Object(
  {
    client_id: nullable(
      Type.String({ description: 'null: the requests named no client that exists, or none at all.' }),
    ),
    name: nullable(Type.String()),
    address: nullable(
      Type.String({ description: 'Where the requests came from; null: from more addresses than are kept.' }),
    ),
    reason: Type.String({ description: 'The reason in the log, or the error code if there is no reason.' }),
    remedy: nullable(Type.String({ description: 'What an operator does about it.' })),
    requests: Type.Integer({ description: 'How many failed so since then.' }),
    since: Time,
    last_at: Time,
    last_issued_at: nullable({ ...Time, description: 'When the client last got a token.' }),
  },
  { title: 'Failure' },
);

const orders = {
  last_at: { by: 'lastAt', direction: 'asc' },
  '-last_at': { by: 'lastAt', direction: 'desc' },
  since: { by: 'since', direction: 'asc' },
  '-since': { by: 'since', direction: 'desc' },
  requests: { by: 'requests', direction: 'asc' },
  '-requests': { by: 'requests', direction: 'desc' },
} as const satisfies Record<string, FailureOrder>;

const Query = Type.Object(
  {
    ...PageQuery.properties,
    client_id: Type.Optional(printableText(128, { description: 'Only failures of this client.' })),
    reason: Type.Optional(printableText(100, { description: 'Only failures with this reason.' })),
    sort: Type.Enum(['last_at', '-last_at', 'since', '-since', 'requests', '-requests'], {
      default: '-last_at',
      description: 'With `-`, in descending order.',
    }),
  },
  { additionalProperties: false },
);

export interface FailuresEndpointOptions {
  readonly db: Kysely<Database>;
  readonly failures: Pick<Failures, 'write'>;
  readonly rootId: string;
}

export function failuresEndpoint({ db, failures, rootId }: FailuresEndpointOptions): ApiPlugin {
  return async (app) => {
    app.get(
      '/api/v1/oauth/failures',
      operation('list_failures', 'audit:read', 'List which clients fail to get tokens, from where and why', {
        description:
          `Of all nodes; those of other nodes are known after five seconds. A failure is listed until it has been over ` +
          `for ${failureDays} days. For one client and reason the latest twenty addresses are kept, and more of them at ` +
          'the same time are put together.',
        query: Query,
        answer: pageView(FailureView),
      }),
      async ({ query }) => {
        await failures.write();
        const { client_id: clientId, reason } = query;
        const order = orders[query.sort];
        const { items, total } = await listFailures(db, { clientId, reason, rootId }, order, sliceOf(query, 2));
        return pageOf(items, total, query, toView, (failure) => [String(failure[order.by]), failure.key]);
      },
    );
  };
}

function toView({ clientId, name, address, reason, requests, since, lastAt, lastIssuedAt }: StoredFailure) {
  return {
    client_id: clientId,
    name,
    address,
    reason,
    remedy: findOperatorLine(reason) ?? null,
    requests,
    since,
    last_at: lastAt,
    last_issued_at: lastIssuedAt,
  };
}
