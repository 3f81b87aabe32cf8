/** The management API of signing keys: lists, rotates, deletes and revokes them. */
import { type AccessToken, signingAlgorithms } from '@postern/guard';
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted, nullable, PageQuery, pageView, slicePage } from '@postern/http-api';
import { Type } from 'typebox';
import { operation } from '../http/operation.ts';
import type { KeyRing } from './key-ring.ts';
import { mostPublishedKeys, statusOf, verifiesUntil } from './key-schedule.ts';
import type { SigningKey } from './signing-key.ts';

const Algorithm = Type.Enum([...signingAlgorithms]);

export const KeyView = Type.Object(
  {
    kid: Type.String(),
    alg: Type.String(),
    status: Type.String({
      description: '`next`: published, not yet signing. `signing`. `retired`: only verifies earlier tokens.',
    }),
    created_at: Type.String({ format: 'date-time' }),
    signs_from: Type.String({ format: 'date-time' }),
    signs_until: nullable(Type.String({ format: 'date-time' })),
    verifies_until: nullable(Type.String({ format: 'date-time', description: 'Published until then.' })),
  },
  { title: 'SigningKey' },
);

export const RotateBody = Type.Object(
  {
    alg: Type.Optional({
      ...Algorithm,
      description: 'An algorithm in use; by default that of the configuration.',
    }),
  },
  { title: 'KeyRotation', additionalProperties: false },
);

const KeyPath = Type.Object({ kid: Type.String({ maxLength: 100 }) });

export interface KeysEndpointOptions {
  readonly keys: KeyRing;
  /** The keys of the revocation feed, which sign no tokens. */
  readonly feedKeys: {
    isPublished(kid: string): boolean;
    revoke(token: AccessToken, kid: string): Promise<void>;
  };
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function keysEndpoint({ keys, feedKeys, now }: KeysEndpointOptions): ApiPlugin {
  return async (app) => {
    app.get(
      '/api/v1/oauth/key',
      operation('list_keys', 'key:read', 'List the signing keys, oldest first', {
        reads: 'key',
        isVolatile: true,
        query: PageQuery,
        answer: pageView(KeyView),
      }),
      async ({ query }) =>
        slicePage(
          keys.keys(),
          query,
          (key) => toView(key, now()),
          ({ createdAt, kid }) => [toText(createdAt), kid],
        ),
    );

    app.post(
      '/api/v1/oauth/key/rotate',
      operation('rotate_key', 'key:rotate', 'Create the next signing key', {
        changes: 'key',
        description:
          'It is published at once and signs POSTERN_KEY_LEAD_MINUTES later, when every cached JWKS has it. The previous ' +
          'key stays published until its last token has expired. While the next key of an algorithm does not sign yet, ' +
          `or ${mostPublishedKeys} keys are published, the answer is 409, with the time from which it can be rotated.`,
        errors: [409],
        body: RotateBody,
        answer: KeyView,
      }),
      async (request) => toView(await keys.rotate(accessTokenOf(request), request.body.alg), now()),
    );

    app.delete(
      '/api/v1/oauth/key/:kid',
      operation('delete_key', 'key:delete', 'Delete a signing key that has not signed yet', {
        changes: 'key',
        description:
          'The key before it continues to sign. A key that may have signed is not deleted (409), but revoked.',
        errors: [409],
        params: KeyPath,
        answer: Deleted,
      }),
      async (request) => keys.remove(accessTokenOf(request), request.params.kid),
    );

    app.post(
      '/api/v1/oauth/key/:kid/revoke',
      operation('revoke_key', 'key:revoke', 'Revoke a signing key that has leaked, and all tokens that it signed', {
        changes: 'key',
        description:
          'It is no longer published, and the tokens that it signed are refused at once, as are those that were exchanged ' +
          'for them. If it signs, another key does so at once; APIs that keep a copy of the JWKS may refuse its tokens ' +
          'until they fetch the JWKS again. A key of the revocation feed can be revoked too: another one signs the feed at once, ' +
          'and no token is lost.',
        params: KeyPath,
        answer: Type.Null({ description: 'Revoked' }),
      }),
      async (request) => {
        const { kid } = request.params;
        await (feedKeys.isPublished(kid) ? feedKeys : keys).revoke(accessTokenOf(request), kid);
      },
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
