/** Token revocation. RFC 7009. */
import { type AccessToken, type VerifyIssuedTokenOptions, verifyIssuedToken } from '@postern/guard';
import { oauthErrorResponses } from '@postern/http-api';
import { OAuthError, parseForm } from '@postern/protocol';
import { type Static, Type } from 'typebox';
import type { AuthenticateClient } from './client-auth/authenticate.ts';
import type { Client } from './clients/client.ts';
import type { FindActor } from './clients/find-actor.ts';
import { findStatusFault } from './clients/token-status.ts';
import { createEarliestNow } from './clock.ts';
import { TokenTreeView, toRevokedView } from './descendants/descendants-view.ts';
import type { RevokeToken } from './descendants/revoke-token.ts';
import type { CredentialHolder } from './events/actor.ts';
import type { ProtocolPlugin } from './http/protocol-plugin.ts';
import type { SelfServiceLimit } from './limits/self-service-limit.ts';
import type { RevokedTokens } from './revocation/revocations.ts';

const RevocationForm = Type.Object(
  {
    token: Type.String(),
    token_type_hint: Type.Optional(Type.String({ description: 'Not needed: all tokens here are access tokens.' })),
  },
  { title: 'RevocationRequest' },
);

export interface RevocationEndpointOptions {
  readonly authenticateClient: AuthenticateClient;
  readonly findActor: FindActor;
  readonly verification: VerifyIssuedTokenOptions;
  readonly revokedTokens: Pick<RevokedTokens, 'has'>;
  readonly revokeToken: RevokeToken;
  readonly limit: SelfServiceLimit;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds by a clock that never jumps. */
  readonly monotonic: () => number;
}

export function revocationEndpoint(options: RevocationEndpointOptions): ProtocolPlugin {
  const { authenticateClient, findActor, verification, revokedTokens, revokeToken, limit, now, monotonic } = options;

  const earliestNow = createEarliestNow({ now, monotonic });

  /** The client may have been deleted, disabled or narrowed since it was authenticated. */
  const holderOf = ({ id }: Client, token: AccessToken): CredentialHolder<void> => ({
    name: id,
    async authenticate(transaction) {
      const client = await findActor(transaction, id);
      const reason = findStatusFault(client, now());
      if (client === undefined || reason !== undefined) {
        throw new OAuthError('invalid_client', 'The client was deleted or disabled meanwhile.', { reason });
      }
      requireMayRevoke(client, token);
    },
  });

  const revoke = (client: Client, token: AccessToken) => {
    limit.take(client.id);
    return revokeToken.byToken(holderOf(client, token), token);
  };

  return async (app) => {
    app.post<{ Body: string }>(
      '/api/v1/oauth/revoke',
      {
        schema: {
          tags: ['OAuth'],
          operationId: 'revoke_token',
          summary: 'Revoke an access token',
          description:
            'A client revokes its own tokens; a holder of `token:revoke` any. All tokens that were exchanged for it are ' +
            'revoked with it, and the answer says how many. A token that was revoked already, or expired more than ' +
            '30 days ago, is answered with the same status and nothing else. Of a client with 1,000 revoked tokens that have not ' +
            'expired, the next call revokes all tokens.',
          consumes: ['application/x-www-form-urlencoded'],
          body: RevocationForm,
          response: {
            200: Type.Unsafe<Static<typeof TokenTreeView> | undefined>({
              ...TokenTreeView,
              description: 'It is not valid any more. The body is empty if it was not before.',
            }),
            ...oauthErrorResponses(400, 401, 413, 429),
          },
        },
      },
      async (request, reply) => {
        const form = parseForm(request.body);
        const client = await authenticateClient(request, form);
        request.logged = { client_id: client.id };
        const text = form.get('token');
        if (text === undefined) {
          throw new OAuthError('invalid_request', 'The parameter token is missing.');
        }
        const token = await findToken(text, earliestNow() / 1000 - behindSeconds, verification);
        if (token !== undefined) {
          requireMayRevoke(client, token);
          const revoked = revokedTokens.has(token.jti) ? undefined : await revoke(client, token);
          request.log.info({ client_id: client.id, jti: token.jti }, 'access token revoked');
          if (revoked !== undefined) {
            return toRevokedView(revoked, token);
          }
        }
        // RFC 7009 §2.2: the status says it all.
        return reply.code(200).send();
      },
    );
  };
}

/** Seconds for which a token that has expired is revoked all the same: a node whose clock is behind by less still accepts it. */
const behindSeconds = 30 * 86_400;

/** Throws `unauthorized_client`. RFC 7009 §2.1. */
function requireMayRevoke(client: Client, token: AccessToken): void {
  // Inside a change, root has no scopes.
  if (token.clientId !== client.id && !client.isRoot && !client.scopes.has('token:revoke')) {
    throw new OAuthError('unauthorized_client', 'The token belongs to another client.');
  }
}

/** RFC 7009 §2.2: for a token that is invalid anyway there is nothing to do. */
async function findToken(
  text: string,
  nowSeconds: number,
  verification: VerifyIssuedTokenOptions,
): Promise<AccessToken | undefined> {
  try {
    return await verifyIssuedToken(text, nowSeconds, verification);
  } catch (error) {
    if (error instanceof OAuthError && error.code === 'invalid_token') {
      return undefined;
    }
    throw error;
  }
}
