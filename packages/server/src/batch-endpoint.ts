/**
 * Many calls of the management APIs as one change: all take effect, or none. Each is checked like a single call: its
 * schema, the scope that it requires, and the scopes that its token may assign.
 */

import type { IncomingHttpHeaders } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { AccessToken, Guard } from '@postern/guard';
import { requireScope } from '@postern/guard';
import { accessTokenOf } from '@postern/guard/fastify';
import type { ApiPlugin } from '@postern/http-api';
import { OAuthError } from '@postern/protocol';
import { batchTimeLimitSeconds, maxBatchBytes, maxBatchOperations } from '@postern/protocol/api-limits';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import type { Kysely } from 'kysely';
import { type Static, Type } from 'typebox';
import { createBatchQueue } from './batch-queue.ts';
import type { Database } from './db/schema.ts';
import type { RequireActive } from './events/actor.ts';
import type { EventLog, Work } from './events/event-log.ts';
import { createTransactionEventLog } from './events/transaction-event-log.ts';
import { answerError } from './http/answer-error.ts';
import { jsonLimit } from './http/http-options.ts';
import { useJsonApi } from './http/json-api.ts';

/** Path and query of a URL in the characters that they have on the wire. RFC 3986 §3.3 and §3.4. */
const urlPath = "^/api/v1/[\\w.~!$&'()*+,;=:@%/?-]*$";

const Operation = Type.Object(
  {
    method: Type.Union([Type.Literal('POST'), Type.Literal('PUT'), Type.Literal('PATCH'), Type.Literal('DELETE')]),
    path: Type.String({ maxLength: 2_000, pattern: urlPath, description: 'Same as for a single call.' }),
    body: Type.Optional(Type.Unknown({ description: 'JSON, same as for a single call.' })),
    if_match: Type.Optional(
      Type.String({
        maxLength: 8_000,
        description: 'The If-Match of a single call. It is about what there was before the batch.',
      }),
    ),
    if_none_match: Type.Optional(
      Type.String({ maxLength: 8_000, description: 'The If-None-Match of a single call, likewise.' }),
    ),
  },
  { title: 'BatchOperation', additionalProperties: false },
);

export const BatchBody = Type.Object(
  {
    operations: Type.Array(Operation, { maxItems: maxBatchOperations }),
    dry_run: Type.Optional(Type.Boolean({ description: 'Tells whether all would be done, and does nothing.' })),
  },
  {
    title: 'BatchBody',
    additionalProperties: false,
    examples: [
      {
        operations: [
          { method: 'PUT', path: '/api/v1/oauth/scope', body: { name: 'invoice:read', description: 'Read invoices' } },
          { method: 'POST', path: '/api/v1/oauth/client', body: { name: 'billing', scopes: ['invoice:read'] } },
        ],
      },
    ],
  },
);

export const BatchView = Type.Object(
  {
    applied: Type.Boolean({ description: 'false after a dry run.' }),
    results: Type.Array(
      Type.Object(
        {
          status: Type.Integer(),
          body: Type.Optional(Type.Unknown({ description: 'The answer to the call; not after a dry run.' })),
        },
        { title: 'BatchResult' },
      ),
      { description: 'One per operation, in order.' },
    ),
  },
  { title: 'BatchAnswer' },
);

const BatchFault = Type.Object(
  {
    error: Type.String(),
    detail: Type.String(),
    operation: Type.Optional(Type.Integer({ description: 'Which operation was refused, from 0. None was done.' })),
  },
  { title: 'BatchFault', description: 'An operation was refused, with the status that it would have had alone' },
);

const refusals = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422] as const;

/** Each by itself: a status whose schema lacked the number would be answered without it. */
const batchFaults = Object.fromEntries(refusals.map((status) => [status, BatchFault])) as Readonly<
  Record<(typeof refusals)[number], typeof BatchFault>
>;

/** Registers APIs on an app: on the server itself, or on one that lives as long as a batch. */
export type Apis = (app: FastifyInstance, host: ApiHost) => Promise<void>;

/** What such APIs work on. */
export interface ApiHost {
  /** The database, or the transaction of the batch. */
  readonly db: Kysely<Database>;
  /** The event log, or the log inside the transaction of the batch. */
  readonly events: EventLog;
  readonly guard: Guard;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface BatchEndpointOptions {
  readonly events: EventLog;
  readonly requireActive: RequireActive;
  /** The APIs that operations may call. */
  readonly apis: Apis;
  /** What operations leave to be done when they are committed. */
  readonly afterwards: () => Promise<void>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds by a clock that never jumps. */
  readonly monotonic: () => number;
}

export function batchEndpoint(options: BatchEndpointOptions): ApiPlugin {
  const { events, requireActive, apis, afterwards, now, monotonic } = options;
  const queue = createBatchQueue();
  /** By request whose batch was accepted, what tells that it is done. */
  const accepted = new WeakMap<FastifyRequest, () => void>();

  const apply = (
    operations: readonly Static<typeof Operation>[],
    isDryRun: boolean,
    token: AccessToken,
    log: FastifyBaseLogger,
  ) => {
    const cameAt = monotonic();
    return queue.run(async () => {
      if (monotonic() - cameAt > batchTimeLimitSeconds * 1000) {
        throw new OAuthError('temporarily_unavailable', 'Other batches took too long; retry later.', {
          reason: 'overloaded',
        });
      }
      const endAt = monotonic() + batchTimeLimitSeconds * 1000;
      const work: Work<OperationResult[], unknown> = async (transaction, append) => {
        const within = createTransactionEventLog({ events, transaction, append, requireActive });
        const host = { db: transaction, events: within, guard: guardOf(token), now };
        return run(
          operations,
          (app) => apis(app, host),
          () => monotonic() < endAt,
          log,
        );
      };
      const results = await events.changeApart(token, work, { isDryRun });
      if (isDryRun) {
        return { applied: false, results: results.map(({ status }) => ({ status })) };
      }
      await afterwards();
      return { applied: true, results };
    });
  };

  return async (app) => {
    app.post(
      '/api/v1/batch',
      {
        bodyLimit: maxBatchBytes,
        // After the token was checked, and before the body is read.
        preParsing: async (request, reply, payload) => {
          const { 'content-length': length = maxBatchBytes } = request.headers;
          const end = queue.accept(accessTokenOf(request).clientId, Number(length));
          accepted.set(request, end);
          reply.raw.on('close', () => {
            if (accepted.has(request)) {
              // The handler was not reached.
              end();
            }
          });
          return payload;
        },
        config: { scope: 'batch:apply', changes: 'batch' },
        schema: {
          tags: ['OAuth'],
          operationId: 'apply_batch',
          summary: 'Make many changes at once, all or none',
          description:
            'The token also needs the scopes of all the operations. One batch runs at a time; other changes go on meanwhile.',
          body: BatchBody,
          response: { 200: BatchView, ...batchFaults },
        },
      },
      async (request, reply) => {
        const { operations, dry_run = false } = request.body;
        const end = accepted.get(request);
        accepted.delete(request);
        try {
          requireNoVersion(request.headers);
          return await apply(operations, dry_run, accessTokenOf(request), request.log);
        } catch (thrown) {
          if (thrown instanceof RefusedOperation) {
            const { status, fault } = thrown;
            const { error: code, ...rest } = fault;
            request.log.info({ code, ...rest }, 'batch refused');
            return reply.code(status as 400).send(fault);
          }
          throw thrown;
        } finally {
          end?.();
        }
      },
    );
  };
}

/** Throws `precondition_failed`: a batch is no thing that has a version. RFC 9110 §13.1. */
function requireNoVersion(headers: IncomingHttpHeaders): void {
  if (headers['if-match'] !== undefined || headers['if-none-match'] !== undefined) {
    throw new OAuthError(
      'precondition_failed',
      'A batch has no version, so nothing was changed: send if_match or if_none_match in its operations instead.',
    );
  }
}

/** How long a batch works while requests of others wait, in milliseconds. */
const sliceMs = 5;

interface OperationResult {
  readonly status: number;
  readonly body: unknown;
}

/** Thrown to undo all because of one. */
class RefusedOperation extends Error {
  readonly status: number;
  readonly fault: Static<typeof BatchFault>;

  constructor(operation: number, status: number, { error, detail }: { error: string; detail: string }) {
    super(detail);
    this.status = status;
    this.fault = { error, detail, operation };
  }
}

/**
 * One call after the other while there `isTime`, on an app that sees what those before have changed. Throws
 * `RefusedOperation`.
 */
async function run(
  operations: readonly Static<typeof Operation>[],
  apis: (app: FastifyInstance) => Promise<void>,
  isTime: () => boolean,
  log: FastifyBaseLogger,
): Promise<OperationResult[]> {
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: jsonLimit,
    frameworkErrors: answerError,
    routerOptions: { maxParamLength: 200 },
  });
  useJsonApi(app);
  await app.register(apis);
  try {
    const results: OperationResult[] = [];
    let sliceEndsAt = performance.now() + sliceMs;
    for (const [index, { method, path, body, if_match, if_none_match }] of operations.entries()) {
      if (!isTime()) {
        const detail = `Batch timed out after ${index} operations and ${batchTimeLimitSeconds} seconds; split it into smaller ones.`;
        throw new RefusedOperation(index, 413, { error: 'content_too_large', detail });
      }
      if (performance.now() >= sliceEndsAt) {
        // Requests of others have their turn.
        await setImmediate();
        sliceEndsAt = performance.now() + sliceMs;
      }
      const answer = await app.inject({
        method,
        url: path,
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(if_match !== undefined && { 'if-match': if_match }),
          ...(if_none_match !== undefined && { 'if-none-match': if_none_match }),
        },
        ...(body !== undefined && { payload: JSON.stringify(body) }),
      });
      const answered: unknown = answer.body === '' ? undefined : answer.json();
      if (answer.statusCode >= 400) {
        throw new RefusedOperation(index, answer.statusCode, answered as Static<typeof BatchFault>);
      }
      // Bulk calls report failures per element.
      const { failed = [] } = (answered ?? {}) as { failed?: readonly { message: string }[] };
      if (failed[0] !== undefined) {
        throw new RefusedOperation(index, 422, { error: 'invalid_parameter', detail: failed[0].message });
      }
      results.push({ status: answer.statusCode, body: answered });
    }
    return results;
  } finally {
    await app.close();
  }
}

/** The token was verified when the batch came. Whether it is still active, each change checks in the transaction. */
function guardOf(token: AccessToken): Guard {
  return {
    async authorize(_request, scope) {
      requireScope(token, scope, 'Bearer');
      return token;
    },
    requireActive: async () => {},
  };
}
