/** The revocation feed over HTTP. docs/revocation-feed.md. */
import type { Guard } from '@postern/guard';
import { accessTokenOf } from '@postern/guard/fastify';
import type { ApiPlugin } from '@postern/http-api';
import { feedSignatureHeader, type WireNamed } from '@postern/protocol';
import { maxWaitSeconds } from '@postern/protocol/api-limits';
import { Type } from 'typebox';
import { addressGroup } from '../address-group.ts';
import { operation } from '../http/operation.ts';
import type { FeedEntry } from './feed-entry.ts';
import type { RevocationFeed } from './revocation-feed.ts';

const Query = Type.Object(
  {
    cursor: Type.Optional(
      Type.String({
        maxLength: 200,
        description: 'From the last answer. Without it, the answer starts from the beginning.',
      }),
    ),
    wait: Type.Integer({
      minimum: 0,
      maximum: maxWaitSeconds,
      default: 0,
      description: 'Seconds to wait if there are no new entries.',
    }),
    nonce: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]{16,64}$',
        description:
          'Signed with the answer, which proves that it is new, whatever the clocks say. Such an answer is signed for one follower alone.',
      }),
    ),
  },
  { additionalProperties: false },
);

const Names = Type.Array(Type.String());

const TokenEntry = Type.Object(
  {
    type: Type.Literal('token'),
    jti: Type.String(),
    exp: Type.Integer({ description: 'Seconds since 1970.' }),
    client_id: Type.Optional(Type.String({ description: 'Its client. Missing, with `gen`, for tokens of root.' })),
    gen: Type.Optional(
      Type.Integer({ description: 'Its generation. The entry is no longer needed once its client has a greater one.' }),
    ),
  },
  { title: 'RevokedToken', description: 'A revoked token.' },
);

const AllTokensEntry = Type.Object(
  { type: Type.Literal('all_tokens'), gen: Type.Integer() },
  { title: 'RevokedTokens', description: 'Every token with a smaller `gen`, of whatever client, was revoked.' },
);

const KeyEntry = Type.Object(
  { type: Type.Literal('signing_key'), kid: Type.String() },
  {
    title: 'RevokedKey',
    description:
      'A signing key that was revoked: none of its tokens is valid, although a copy of the JWKS may have it.',
  },
);

const InactiveClientEntry = Type.Object(
  { type: Type.Literal('client'), client_id: Type.String(), active: Type.Literal(false) },
  { title: 'InactiveClient', description: 'A client that was deleted or disabled: none of its tokens is valid.' },
);

const ClientEntry = Type.Object(
  {
    type: Type.Literal('client'),
    client_id: Type.String(),
    active: Type.Literal(true),
    gen: Type.Integer({ description: 'Tokens with a smaller `gen` are not valid.' }),
    gen_exact: Type.Boolean({ description: 'If true, tokens with a greater `gen` are not valid either.' }),
    scopes: Type.Optional(Names),
    resources: Type.Optional(Names),
    authorization_details_types: Type.Optional(Names),
  },
  {
    title: 'ChangedClient',
    description:
      'A client whose scopes, resources or generation changed. What is not listed is withdrawn; a missing list limits nothing.',
  },
);

export const FeedView = Type.Object(
  {
    cursor: Type.String({ description: 'The cursor to continue from.' }),
    snapshot: Type.Boolean({ description: 'The entries start from the beginning: drop those that you have.' }),
    history_changed: Type.Boolean({
      description:
        'The server has lost changes that you know, or never had them: keep the revoked tokens that you have until they expire.',
    }),
    more: Type.Boolean({ description: 'There are more entries: request them at once.' }),
    lag_seconds: Type.Number({ description: 'Seconds since this node last read the changes of other nodes.' }),
    entries: Type.Unsafe<readonly WireNamed<FeedEntry>[]>(
      Type.Array(Type.Union([TokenEntry, AllTokensEntry, KeyEntry, InactiveClientEntry, ClientEntry])),
    ),
  },
  { title: 'RevocationFeed' },
);

export interface RevocationsEndpointOptions {
  readonly feed: RevocationFeed;
  readonly guard: Guard;
}

export function revocationsEndpoint({ feed, guard }: RevocationsEndpointOptions): ApiPlugin {
  return async (app) => {
    app.addHook('preClose', async () => feed.close());

    app.get(
      '/api/v1/oauth/revocations',
      {
        ...operation('read_revocations', 'revocation:read', 'Stream token revocations', {
          description:
            'For APIs that verify tokens locally. An answer has at most 1000 entries, each with the current state of a ' +
            'token or client. With an unknown cursor, the answer starts from the beginning. The header ' +
            '`Revocations-Signature` has a JWT over the answer, by a key of `/.well-known/revocation-feed-jwks.json`.',
          query: Query,
          answer: FeedView,
          config: { waits: true },
        }),
      },
      async (request, reply) => {
        const { cursor, wait, nonce } = request.query;
        const { body, signature, compress } = await feed.read(
          { cursor, waitSeconds: wait, nonce },
          reply.raw,
          addressGroup(request.ip),
        );
        if (wait > 0) {
          await guard.requireActive(accessTokenOf(request));
        }
        const compressed = acceptsGzip(request.headers['accept-encoding']) ? compress() : undefined;
        reply.headers({
          'content-type': 'application/json; charset=utf-8',
          vary: 'accept-encoding',
          [feedSignatureHeader]: signature,
        });
        if (compressed !== undefined) {
          reply.header('content-encoding', 'gzip');
        }
        // It is serialized already: to do so for each follower would take longer than everything else here.
        return reply.send(((await compressed) ?? body) as never);
      },
    );
  };
}

/** Whether a caller names gzip among what it accepts. RFC 9110 §12.5.3. */
function acceptsGzip(accepted = ''): boolean {
  return accepted.split(',').some((coding) => /^\s*gzip\s*(;\s*q=(1|0\.\d*[1-9]).*)?$/i.test(coding));
}
