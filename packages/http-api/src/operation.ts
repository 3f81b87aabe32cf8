/** What a guarded route of a management API declares: its scope, its schemas and the errors that it can answer. */
import type { preHandlerHookHandler } from 'fastify';
import { type TObject, type TSchema, Type } from 'typebox';
import { errorResponses, type Status } from './schemas.ts';

export interface OperationParts {
  readonly description?: string;
  readonly params?: TObject;
  readonly query?: TObject;
  readonly body?: TSchema;
  /** The schema of the answer. The status is 204 if it is null, as `Deleted` is; then the handler need not answer. */
  readonly answer: TSchema;
  /** Statuses of errors that do not follow from the other parts, such as 409. */
  readonly errors?: readonly Status[];
  /** The kind of thing that the route reads; the first parameter of its path is the id. Its answer has the version as ETag. */
  readonly reads?: string;
  /** Whether its answer also says what changes without that version, so that it is never answered by 304. */
  readonly isVolatile?: boolean;
  /** The kind of things that the route lists, and the member of an item that is its id. */
  readonly lists?: readonly [kind: string, idMember: string];
  /** The kind of thing that the route changes, whose version `If-Match` and `If-None-Match` are about. */
  readonly changes?: string;
  /** The status of the answer. Default: 200, and 204 without an answer. */
  readonly status?: 201;
  /** Whether the documentation leaves the route out. */
  readonly hide?: boolean;
  readonly config?: object;
}

/** The schemas from which Fastify derives the types of the request and of the answer. */
export interface OperationSchemas<P extends OperationParts> {
  readonly params: P['params'];
  readonly querystring: P['query'];
  readonly body: P['body'];
  readonly response: { readonly 200: P['answer'] };
}

/** For the documentation: whoever reads these headers checks them. */
const ChangeHeaders = Type.Object({
  'if-match': Type.Optional(Type.String({ description: 'ETags of the versions that may be changed, or *.' })),
  'if-none-match': Type.Optional(Type.String({ description: '*: the call only creates.' })),
  'idempotency-key': Type.Optional(
    Type.String({
      description: 'Any text for this call only. Sent again, the call answers the same and changes nothing.',
    }),
  ),
});

const ReadHeaders = Type.Object({
  'if-none-match': Type.Optional(
    Type.String({ description: 'ETags of versions that the caller has: 304 if it is one of them.' }),
  ),
});

const NotModified = Type.Null({ description: 'If-None-Match names the present version' });

/**
 * Returns a function that makes the options of a route that requires `scope`. The documentation lists it under `tag`.
 * `invalid`: the status of requests that are not as their schemas say.
 */
export function operationsOf(tag: string, { invalid = 422 }: { readonly invalid?: 400 | 422 } = {}) {
  return <P extends OperationParts>(operationId: string, scope: string, summary: string, parts: P) => {
    const {
      description,
      params,
      query,
      body,
      answer,
      errors = [],
      hide = false,
      config,
      reads,
      isVolatile = false,
      lists,
      changes,
      status = Type.IsNull(answer) ? 204 : 200,
    } = parts;
    const statuses: Status[] = [401, 403, ...errors];
    if (params !== undefined) {
      statuses.push(404);
    }
    const isConditional = reads !== undefined && !isVolatile;
    if (isConditional) {
      statuses.push(400);
    }
    if (changes !== undefined) {
      statuses.push(400, 412);
    }
    if (body !== undefined) {
      statuses.push(400, 413, 415);
    }
    if (body !== undefined || query !== undefined || Object.values(params?.properties ?? {}).some(isLimited)) {
      statuses.push(invalid);
    }
    const headers = changes === undefined ? (isConditional ? ReadHeaders : undefined) : ChangeHeaders;
    const optional = Object.entries({ description, params, querystring: query, headers, body });
    return {
      config: {
        ...config,
        scope,
        ...(reads !== undefined && { reads, isVolatile }),
        ...(lists !== undefined && { lists }),
        ...(changes !== undefined && { changes }),
      },
      ...(Type.IsNull(answer) && { preHandler: answerNoContent }),
      schema: {
        ...Object.fromEntries(optional.filter(([, part]) => part !== undefined)),
        tags: [tag],
        operationId,
        summary,
        hide,
        response: { [status]: answer, ...(isConditional && { 304: NotModified }), ...errorResponses(...statuses) },
      } as unknown as OperationSchemas<P>,
    };
  };
}

/** Whether a parameter of a path can be invalid. */
function isLimited(param: TSchema): boolean {
  return 'pattern' in param;
}

const answerNoContent: preHandlerHookHandler = (_request, reply, done) => {
  reply.code(204);
  done();
};
