/** Client secrets that the caller chooses: whoever sends one is trusted to have generated it, within what can be judged. RFC 6749 §10.10. */
import { type AccessToken, requireScope } from '@postern/guard';
import { OAuthError, secretDigestFormats } from '@postern/protocol';
import { findSecretWeakness } from '@postern/protocol/node';
import { Type } from 'typebox';
import { type ImportedDigest, parseImportedDigest } from '../clients/imported-digest.ts';

/** RFC 6749 Appendix A.2, without spaces, which people lose when they copy. */
export const ChosenSecret = Type.String({
  minLength: 1,
  maxLength: 256,
  pattern: '^[!-~]+$',
  writeOnly: true,
  description:
    'A secret of your choice, which requires the scope client:choose_secret: at least 22 random characters, which are 128 ' +
    'bits in base64url. Without it, Postern generates one.',
});

export const ChosenDigest = Type.String({
  minLength: 1,
  maxLength: 512,
  writeOnly: true,
  description:
    'The digest that another server has of the secret, which requires the scope client:choose_secret, so that the client moves ' +
    `here with the secret that it has: ${secretDigestFormats}. The first use of the secret replaces it by a digest of Postern.`,
});

/** Throws `insufficient_scope` if the token must not choose secrets, and `invalid_parameter` for two at once and an unknown digest. */
export function parseChosenSecret(
  token: AccessToken,
  secret: string | undefined,
  digest: string | undefined,
): string | ImportedDigest | undefined {
  if (secret === undefined && digest === undefined) {
    return undefined;
  }
  requireScope(token, 'client:choose_secret', 'Bearer');
  if (secret !== undefined && digest !== undefined) {
    throw new OAuthError('invalid_parameter', 'Send client_secret or client_secret_digest, not both.');
  }
  return secret ?? parseImportedDigest(digest as string);
}

/** Throws `invalid_parameter` if the secret has less than 128 bits, as far as that shows. The error does not repeat it. */
export function requireStrongSecret(secret: string): void {
  const weakness = findSecretWeakness(secret);
  if (weakness !== undefined) {
    throw new OAuthError('invalid_parameter', `client_secret: ${weakness}.`);
  }
}
