/** The management API that revokes tokens of any client with all that was exchanged for them, for callers that have an access token and no secret. RFC 7009 §2.1. */
import { type AccessToken, type Guard, type VerifyIssuedTokenOptions, verifyIssuedToken } from '@postern/guard';
import { accessTokenOf, guardRoutes } from '@postern/guard/fastify';
import type { ApiPlugin } from '@postern/http-api';
import { forbidCaching } from '../http/caching.ts';
import { operation } from '../http/operation.ts';
import type { Descendants } from './descendants.ts';
import { TokenTreeView, toRevokedView, toTokenTreeView } from './descendants-view.ts';
import type { RevokeToken } from './revoke-token.ts';
import { parseTreeRoot, TreeRootBody } from './tree-root.ts';

export interface RevokeOneEndpointOptions {
  readonly revokeToken: RevokeToken;
  /** Throws as `ClientAdministration.revokeTokens` does. */
  readonly revokeTokensOf: (token: AccessToken, clientId: string) => Promise<Descendants>;
  readonly verification: VerifyIssuedTokenOptions;
  readonly guard: Guard;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function revokeOneEndpoint(options: RevokeOneEndpointOptions): ApiPlugin {
  const { revokeToken, revokeTokensOf, verification, guard, now } = options;
  return async (app) => {
    guardRoutes(app, guard);
    forbidCaching(app);
    app.post(
      '/api/v1/oauth/revoke_one',
      operation(
        'revoke_one_token',
        'token:revoke',
        'Revoke a token of any client, with all that was exchanged for it',
        {
          description:
            'As `POST /api/v1/oauth/revoke`, with an access token instead of the credentials of a client. It names exactly one of ' +
            'a token, the `jti` of one, and a client, whose tokens that were issued so far are all meant. A token that is not of ' +
            'this server, or has expired, is an error (422). Of a client with 1,000 revoked tokens that have not expired, the next ' +
            'call revokes all tokens.',
          body: TreeRootBody,
          answer: TokenTreeView,
        },
      ),
      async (request) => {
        const actor = accessTokenOf(request);
        const root = await parseTreeRoot(request.body, (text) => verifyIssuedToken(text, now() / 1000, verification));
        switch (root.kind) {
          case 'token':
            return toRevokedView(await revokeToken.byToken(actor, root.token), root.token);
          case 'jti':
            return toTokenTreeView({ ...root, ...(await revokeToken.byJti(actor, root.jti)), status: 'inactive' });
          case 'client': {
            const descendants = await revokeTokensOf(actor, root.clientId);
            return toTokenTreeView({ ...root, status: 'inactive', descendants });
          }
        }
      },
    );
  };
}
