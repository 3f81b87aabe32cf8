/** What was issued below a token or client, on the wire and in the audit trail. */
import type { AccessToken } from '@postern/guard';
import { nullable } from '@postern/http-api';
import { Type } from 'typebox';
import type { Descendants } from './descendants.ts';

export const DescendantsView = Type.Object(
  {
    tokens_issued: Type.Integer({
      description:
        'Tokens that were exchanged for it, directly or indirectly, whether or not they were revoked since, by clients and for resources of which some may still be ' +
        'active. Those that other nodes issued in the last seconds may be missing.',
    }),
    is_complete: Type.Boolean({
      description: 'False if there were too many to count: then there may be more. Whatever is not counted ends too.',
    }),
    issued_to: Type.Array(
      Type.Object(
        {
          client_id: Type.String({ description: 'The client that got the tokens.' }),
          resource: Type.String({ description: 'What the tokens are for.' }),
          tokens_issued: Type.Integer(),
          last_expires_at: Type.String({ format: 'date-time', description: 'When the last of them expires.' }),
        },
        { title: 'DescendantCount' },
      ),
      { description: 'The clients and resources with the most tokens, at most 50.' },
    ),
  },
  { title: 'Descendants' },
);

/** What ends, or would end. */
export const TokenTreeView = Type.Object(
  {
    kind: Type.Unsafe<TokenTreeKind>(
      Type.String({
        enum: ['token', 'jti', 'client'],
        description:
          'What is meant: one token, one of which only the id is known, or all tokens of a client that were issued so far. ' +
          'A client with 1,000 revoked tokens that have not expired loses all, whichever of its tokens is revoked.',
      }),
    ),
    jti: nullable(Type.String({ description: 'The id of the token. Null for a client.' })),
    client_id: nullable(
      Type.String({
        description: 'Its client. Null if only the id of a token is known, and nothing that was exchanged for it.',
      }),
    ),
    expires_at: nullable(
      Type.String({ format: 'date-time', description: 'When the token expires. Null if that is not known.' }),
    ),
    status: Type.Unsafe<TokenTreeStatus>(
      Type.String({
        enum: ['active', 'inactive', 'unknown'],
        description:
          '`unknown`: Postern keeps no list of the tokens that it issued, so of an id it can only say whether it was revoked.',
      }),
    ),
    descendants: DescendantsView,
  },
  { title: 'TokenTree', description: 'A token or client, and what was issued below it.' },
);

export type TokenTreeKind = 'token' | 'jti' | 'client';
export type TokenTreeStatus = 'active' | 'inactive' | 'unknown';

export interface TokenTree {
  readonly kind: TokenTreeKind;
  readonly jti?: string | undefined;
  readonly clientId?: string | undefined;
  /** Seconds since 1970. */
  readonly expiresAt?: number | undefined;
  readonly status: TokenTreeStatus;
  readonly descendants: Descendants;
}

export function toTokenTreeView({ kind, jti, clientId, expiresAt, status, descendants }: TokenTree) {
  return {
    kind,
    jti: jti ?? null,
    client_id: clientId ?? descendants.clientId ?? null,
    expires_at: expiresAt === undefined ? null : toText(expiresAt),
    status,
    descendants: toView(descendants),
  };
}

/** A token that was revoked, or all of its client. */
export function toRevokedView(
  { isAllOfClient, descendants }: { readonly isAllOfClient: boolean; readonly descendants: Descendants },
  { jti, clientId, expiresAt }: Pick<AccessToken, 'jti' | 'clientId' | 'expiresAt'>,
) {
  const status = 'inactive';
  return toTokenTreeView(
    isAllOfClient
      ? { kind: 'client', clientId, status, descendants }
      : { kind: 'token', jti, clientId, expiresAt, status, descendants },
  );
}

/** The member `descendants` of an event, if anything was issued below the token or client, or that cannot be told. */
export function descendantsData(descendants: Descendants): object {
  return descendants.tokensIssued === 0 && descendants.isComplete ? {} : { descendants: toView(descendants) };
}

function toView({ tokensIssued, isComplete, issuedTo }: Descendants) {
  return {
    tokens_issued: tokensIssued,
    is_complete: isComplete,
    issued_to: issuedTo.map((count) => ({
      client_id: count.clientId,
      resource: count.resource,
      tokens_issued: count.tokensIssued,
      last_expires_at: toText(count.lastExpiresAt),
    })),
  };
}

function toText(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
