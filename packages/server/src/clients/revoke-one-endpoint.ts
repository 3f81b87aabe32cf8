/** The management API that revokes one token of any client, for callers that have an access token and no secret. RFC 7009 §2.1. */
import { type Guard, type VerifyIssuedTokenOptions, verifyIssuedToken } from '@postern/guard';
import { accessTokenOf, guardRoutes } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted } from '@postern/http-api';
import { OAuthError } from '@postern/protocol';
import { Type } from 'typebox';
import { forbidCaching } from '../http/caching.ts';
import { operation } from '../http/operation.ts';
import type { RevokeToken } from './revoke-token.ts';

/** As long as the longest body of a form. */
const Body = Type.Object(
  { token: Type.String({ minLength: 1, maxLength: 16_384, description: 'The access token. It is not logged.' }) },
  { title: 'TokenToRevoke', additionalProperties: false },
);

export interface RevokeOneEndpointOptions {
  readonly revokeToken: RevokeToken;
  readonly verification: VerifyIssuedTokenOptions;
  readonly guard: Guard;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function revokeOneEndpoint({ revokeToken, verification, guard, now }: RevokeOneEndpointOptions): ApiPlugin {
  return async (app) => {
    guardRoutes(app, guard);
    forbidCaching(app);
    app.post(
      '/api/v1/oauth/revoke_one',
      operation('revoke_one_token', 'token:revoke', 'Revoke one access token, of any client', {
        description:
          'As `POST /api/v1/oauth/revoke`, with an access token instead of the credentials of a client. A token that is not ' +
          'of this server, or has expired, is an error (400). Of a client with 1,000 revoked tokens that have not expired, the ' +
          'next call revokes all tokens.',
        body: Body,
        answer: Deleted,
      }),
      async (request) => revokeToken(accessTokenOf(request), await parseToken(request.body.token)),
    );
  };

  /** Throws `invalid_parameter`: the person who pasted the token must learn that nothing was revoked. */
  async function parseToken(text: string) {
    try {
      return await verifyIssuedToken(text, now() / 1000, verification);
    } catch (error) {
      if (error instanceof OAuthError && error.code === 'invalid_token') {
        throw new OAuthError('invalid_parameter', `token: it cannot be revoked. ${error.message}`);
      }
      throw error;
    }
  }
}
