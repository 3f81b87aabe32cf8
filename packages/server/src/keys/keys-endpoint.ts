/** The management API of signing keys: what signs, what comes next, and the call for a rotation. */
import { signingAlgorithms } from '@postern/guard';
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, errorResponses, nullable, PageQuery, pageOf, pageView } from '@postern/http-api';
import { Type } from 'typebox';
import type { KeyRing } from './key-ring.ts';
import { statusOf, verifiesUntil } from './key-schedule.ts';
import type { SigningKey } from './signing-key.ts';

const Algorithm = Type.Enum([...signingAlgorithms]);

export const KeyView = Type.Object({
  kid: Type.String(),
  alg: Type.String(),
  status: Type.String({
    description: '`next`: published, not yet signing. `signing`. `retired`: only verifies tokens from before.',
  }),
  created_at: Type.String({ format: 'date-time' }),
  signs_from: Type.String({ format: 'date-time' }),
  signs_until: nullable(Type.String({ format: 'date-time' })),
  verifies_until: nullable(Type.String({ format: 'date-time', description: 'Published until then.' })),
});

export const RotateBody = Type.Object(
  {
    alg: Type.Optional({
      ...Algorithm,
      description: 'One that is in use; by default the one that the server is set to.',
    }),
  },
  { additionalProperties: false },
);

export interface KeysEndpointOptions {
  readonly keys: KeyRing;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function keysEndpoint({ keys, now }: KeysEndpointOptions): ApiPlugin {
  return async (app) => {
    app.get(
      '/api/v1/oauth/key',
      {
        config: { scope: 'key:read' },
        schema: {
          tags: ['OAuth'],
          operationId: 'list_keys',
          summary: 'List the signing keys, oldest first',
          querystring: PageQuery,
          response: { 200: pageView(KeyView), ...errorResponses(401, 403, 422) },
        },
      },
      async (request) => {
        const { page, size } = request.query;
        const all = keys.keys();
        const items = all.slice((page - 1) * size, page * size).map((key) => toView(key, now()));
        return pageOf(items, all.length, request.query);
      },
    );

    app.post(
      '/api/v1/oauth/key/rotate',
      {
        config: { scope: 'key:rotate' },
        schema: {
          tags: ['OAuth'],
          operationId: 'rotate_key',
          summary: 'Make the next signing key',
          description:
            'It is published at once and signs ten minutes later, when every cached JWKS has it. The one before ' +
            'stays published until its last token has expired.',
          body: RotateBody,
          response: { 200: KeyView, ...errorResponses(400, 401, 403, 413, 415, 422) },
        },
      },
      async (request) => toView(await keys.rotate(accessTokenOf(request), request.body.alg), now()),
    );
  };
}

function toView(key: SigningKey, now: number) {
  return {
    kid: key.kid,
    alg: key.alg,
    status: statusOf(key, now),
    created_at: toText(key.createdAt),
    signs_from: toText(key.signsFrom),
    signs_until: toTextOrNull(key.signsUntil),
    verifies_until: toTextOrNull(verifiesUntil(key)),
  };
}

function toText(ms: number): string {
  return new Date(ms).toISOString();
}

function toTextOrNull(ms: number | null): string | null {
  return ms === null ? null : toText(ms);
}
