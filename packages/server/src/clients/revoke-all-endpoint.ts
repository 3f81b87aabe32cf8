/** The management API that revokes every token that was issued so far. */
import type { Guard } from '@postern/guard';
import { accessTokenOf, guardRoutes } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted } from '@postern/http-api';
import { forbidCaching } from '../http/caching.ts';
import { operation } from '../http/operation.ts';
import type { RevokeAllTokens } from './revoke-all-tokens.ts';

export interface RevokeAllEndpointOptions {
  readonly revokeAllTokens: RevokeAllTokens;
  readonly guard: Guard;
}

export function revokeAllEndpoint({ revokeAllTokens, guard }: RevokeAllEndpointOptions): ApiPlugin {
  return async (app) => {
    guardRoutes(app, guard);
    forbidCaching(app);
    app.post(
      '/api/v1/oauth/revoke_all',
      operation('revoke_all_tokens', 'token:revoke', 'Revoke every token that was issued so far', {
        changes: 'all_tokens',
        description:
          'Of all clients and of root, the token of this call among them. Clients may request new tokens at once. For ' +
          'emergencies: after a backup was restored, whose revocations of tokens are incomplete, or after a theft of tokens.',
        answer: Deleted,
      }),
      async (request) => revokeAllTokens(accessTokenOf(request)),
    );
  };
}
