/** What a call means that is about a token or client with all that was exchanged for it: exactly one of a token, the id of one, and a client. */
import type { AccessToken } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import { type Static, Type } from 'typebox';

export const TreeRootBody = Type.Object(
  {
    // As long as the longest body of a form.
    token: Type.Optional(
      Type.String({ minLength: 1, maxLength: 16_384, description: 'The access token. It is not logged.' }),
    ),
    jti: Type.Optional(
      Type.String({
        pattern: '^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
        description: 'The id of an access token, as the log of the server and the token have it: a UUID.',
      }),
    ),
    client_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'The client, or the person, as the audit trail has it.',
      }),
    ),
  },
  { title: 'TokenTreeRoot', additionalProperties: false },
);

export type TreeRoot =
  | { readonly kind: 'token'; readonly token: AccessToken }
  | { readonly kind: 'jti'; readonly jti: string }
  | { readonly kind: 'client'; readonly clientId: string };

/**
 * Throws `invalid_parameter` unless the body names exactly one, and for a token that is not genuine or has expired: the person who
 * pasted it must learn that nothing was revoked.
 */
export async function parseTreeRoot(
  { token, jti, client_id: clientId }: Static<typeof TreeRootBody>,
  verify: (text: string) => Promise<AccessToken>,
): Promise<TreeRoot> {
  if ([token, jti, clientId].filter((one) => one !== undefined).length !== 1) {
    throw new OAuthError('invalid_parameter', 'Name exactly one of token, jti and client_id.');
  }
  if (clientId !== undefined) {
    return { kind: 'client', clientId };
  }
  if (jti !== undefined) {
    // As the server writes it.
    return { kind: 'jti', jti: jti.toLowerCase() };
  }
  try {
    return { kind: 'token', token: await verify(token as string) };
  } catch (error) {
    if (error instanceof OAuthError && error.code === 'invalid_token') {
      const why =
        error.reason === 'token_expired' ? 'It has expired, and with it all that was exchanged for it.' : error.message;
      throw new OAuthError('invalid_parameter', `token: it cannot be revoked. ${why}`);
    }
    throw error;
  }
}
