/** Explains why an access token is accepted or refused, by the server's clock and all that it knows. RFC 7662 §4. */

import type { AccessToken, Guard } from '@postern/guard';
import { authorizeRequest } from '@postern/guard/fastify';
import { type ApiPlugin, errorResponses, nullable } from '@postern/http-api';
import { Type } from 'typebox';
import { forbidCaching } from '../http/caching.ts';
import { type Check, checkNames } from './check.ts';
import { type Explanation, explainToken, type Facts } from './explain-token.ts';

const QuestionBody = Type.Object(
  {
    token: Type.String({ description: 'The access token. It is neither logged nor stored.' }),
    scope: Type.Optional(
      Type.String({ maxLength: 10_000, description: 'Scopes that the call needs, with spaces between them.' }),
    ),
    audience: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 2_000,
        description: 'The API that is called: the identifier of its resource, or the issuer. Default: any.',
      }),
    ),
    proof: Type.Optional(
      Type.Boolean({
        description: 'Whether the caller proves that a bound token is its own, with a DPoP proof or its certificate.',
      }),
    ),
  },
  { title: 'TokenQuestion', additionalProperties: false },
);

const CheckView = Type.Object(
  {
    name: Type.String({ enum: [...checkNames] }),
    result: Type.String({ enum: ['ok', 'failed', 'unknown'], description: '`unknown`: the caller may not learn it.' }),
    reason: Type.Optional(Type.String({ description: 'Why it failed, as in the log of the server.' })),
    detail: Type.String({ description: 'What is true, for people.' }),
    advice: Type.Optional(Type.String({ description: 'What to do about it, for people.' })),
  },
  { title: 'TokenCheck' },
);

const DecodedPart = Type.Unsafe<Explanation['header']>(
  nullable(Type.Object({}, { additionalProperties: true, description: 'Decoded from the token, genuine or not.' })),
);

export const ExplanationView = Type.Object(
  {
    verdict: Type.Unsafe<Explanation['verdict']>(
      Type.String({ enum: ['passes', 'refused'], description: '`passes` if no check failed; some may be unknown.' }),
    ),
    reason: nullable(
      Type.String({
        description: 'Of the first check that failed, as in the log of the server; null if it is hidden.',
      }),
    ),
    checks: Type.Unsafe<readonly Check[]>(
      Type.Array(CheckView, {
        description: 'In the order of a guard. A token that is not genuine has only those up to `time`.',
      }),
    ),
    header: DecodedPart,
    claims: DecodedPart,
    clients: Type.Unsafe<readonly string[]>(
      Type.Array(Type.String(), { description: 'The clients on whose status a genuine token depends.' }),
    ),
    server_time: Type.String({ format: 'date-time', description: 'The time by which the token was judged.' }),
  },
  { title: 'TokenExplanation' },
);

export interface ExplainEndpointOptions extends Omit<Facts, 'nowSeconds'> {
  readonly guard: Guard;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Bytes of a body: far more than the longest token. */
const bodyLimit = 65_536;

export function explainEndpoint({ guard, now, ...facts }: ExplainEndpointOptions): ApiPlugin {
  return async (app) => {
    forbidCaching(app);
    app.post(
      '/api/v1/oauth/explain',
      {
        bodyLimit,
        schema: {
          tags: ['OAuth'],
          operationId: 'explain_token',
          summary: 'Explain why an access token is accepted or refused',
          description:
            'Every check of a guard with its result, and what to do about it. It can be called without an access token; ' +
            'with one, the answer says more. Whether a token is active, and why not, is disclosed to its own client and to ' +
            'holders of `revocation:read`; what the settings of its client show, to holders of `client:read`. A client ' +
            'that may introspect the token learns only whether it is active.',
          security: [{}, { bearer: [] }],
          body: QuestionBody,
          response: { 200: ExplanationView, ...errorResponses(400, 401, 413, 415, 422) },
        },
      },
      async (request, reply) => {
        let caller: AccessToken | undefined;
        if (request.headers.authorization !== undefined) {
          caller = await authorizeRequest(request, reply, guard, '');
        }
        const { token, scope = '', audience, proof = false } = request.body;
        const scopes = scope.split(' ').filter((name) => name !== '');
        const nowMs = now();
        const question = { scopes, audience, hasProof: proof };
        const explanation = await explainToken(token, question, caller, { ...facts, now, nowSeconds: nowMs / 1000 });
        return { ...explanation, server_time: new Date(nowMs).toISOString() };
      },
    );
  };
}
