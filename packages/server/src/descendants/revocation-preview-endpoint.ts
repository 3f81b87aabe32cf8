/** The management API that says what a revocation would end, before it is made: the token or client, and what was exchanged for it. RFC 7009 §2.1. */
import { type Guard, type VerifyIssuedTokenOptions, verifyIssuedToken } from '@postern/guard';
import { guardRoutes } from '@postern/guard/fastify';
import type { ApiPlugin } from '@postern/http-api';
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { FindActor } from '../clients/find-actor.ts';
import { findInactiveReason, findStatusFault, type TokenStatusLookups } from '../clients/token-status.ts';
import type { Database } from '../db/schema.ts';
import { forbidCaching } from '../http/caching.ts';
import { operation } from '../http/operation.ts';
import type { DescendantCounts } from './descendants.ts';
import { type TokenTree, TokenTreeView, toTokenTreeView } from './descendants-view.ts';
import { parseTreeRoot, type TreeRoot, TreeRootBody } from './tree-root.ts';

export interface RevocationPreviewEndpointOptions extends TokenStatusLookups {
  readonly db: Kysely<Database>;
  readonly findActor: FindActor;
  readonly descendants: Pick<DescendantCounts, 'count'>;
  readonly verification: VerifyIssuedTokenOptions;
  readonly guard: Guard;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function revocationPreviewEndpoint(options: RevocationPreviewEndpointOptions): ApiPlugin {
  const { db, findActor, descendants, verification, guard, now } = options;

  const describe = async (root: TreeRoot): Promise<TokenTree> => {
    switch (root.kind) {
      case 'token': {
        const { jti, clientId, expiresAt } = root.token;
        const reason = await findInactiveReason(root.token, options);
        const status = reason === undefined ? 'active' : 'inactive';
        return { kind: 'token', jti, clientId, expiresAt, status, descendants: await descendants.count(db, { jti }) };
      }
      case 'jti': {
        const status = options.isRevoked(root.jti) ? 'inactive' : 'unknown';
        return { ...root, status, descendants: await descendants.count(db, root) };
      }
      case 'client': {
        const client = await findActor(db, root.clientId);
        if (client === undefined) {
          throw new OAuthError('not_found', `There is no client ${showName(root.clientId)}.`);
        }
        const status = findStatusFault(client, now()) === undefined ? 'active' : 'inactive';
        return { ...root, status, descendants: await descendants.count(db, { clientId: root.clientId }) };
      }
    }
  };

  return async (app) => {
    guardRoutes(app, guard);
    forbidCaching(app);
    app.post(
      '/api/v1/oauth/revoke_one/preview',
      operation('preview_revocation', 'token:revoke', 'Read what would be revoked with a token or client', {
        description:
          'Takes what `POST /api/v1/oauth/revoke_one` takes, answers what that would answer now, and changes nothing. It is a ' +
          'POST so that no token is in a URL.',
        body: TreeRootBody,
        answer: TokenTreeView,
        errors: [404],
      }),
      async (request) => {
        const root = await parseTreeRoot(request.body, (text) => verifyIssuedToken(text, now() / 1000, verification));
        return toTokenTreeView(await describe(root));
      },
    );
  };
}
