/**
 * Checks secrets by digests that another server computed, so that a client moves here with the secret that it has. RFC 8018 §5.2
 * for PBKDF2. The costs are bounded, since whoever imports a digest chooses how long a check takes.
 */
import { createHash, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { OAuthError, parseSecretDigest, type SecretDigestFormat, secretDigestFormats } from '@postern/protocol';
import bcrypt from 'bcrypt';

/** A digest of a form and a cost that Postern checks. */
export interface ImportedDigest {
  /** How it is computed, with the cost of a check: two digests of one form take equally long. Has nothing of the digest. */
  readonly form: string;
  /** The digest as the other server has it. */
  readonly text: string;
  /** Whether it is the digest of `secret`. Takes up to a second, on another thread, and compares in constant time. */
  readonly matches: (secret: string) => Promise<boolean>;
}

/** bcrypt reads no more of a secret than this many bytes. */
const bcryptBytes = 72;

const derive = promisify(pbkdf2);

/** Throws `invalid_parameter` for an unknown format or a cost beyond the bounds; the error does not repeat the digest. */
export function parseImportedDigest(text: string): ImportedDigest {
  const format = parseSecretDigest(text);
  if (format === undefined) {
    throw new OAuthError('invalid_parameter', `client_secret_digest: must be ${secretDigestFormats}.`);
  }
  return { form: format.form, text, matches: (secret) => matches(format, secret) };
}

/** A digest of the same form, of no secret that anybody knows. Comparing it takes as long as comparing every other one. */
export function unusedDigestOf(form: string): ImportedDigest {
  if (form.startsWith('$2b$')) {
    return parseImportedDigest(form + '.'.repeat(53));
  }
  const bytes = Number(/l=(\d+)/.exec(form)?.[1] ?? 64);
  return parseImportedDigest(`${form}${'A'.repeat(22)}$${Buffer.alloc(bytes).toString('base64')}`);
}

async function matches(format: SecretDigestFormat, secret: string): Promise<boolean> {
  switch (format.algorithm) {
    case 'bcrypt': {
      const isMatch = await bcrypt.compare(Buffer.from(secret).subarray(0, bcryptBytes), format.form + format.rest);
      // C programs end a secret at a NUL; no secret has one.
      return isMatch && !secret.includes('\0');
    }
    case 'pbkdf2': {
      const salt = Buffer.from(format.salt, 'base64');
      const key = await derive(secret, salt, format.iterations, format.keyBytes, format.hash);
      return timingSafeEqual(key, Buffer.from(format.key, 'base64'));
    }
    case 'sha512': {
      const digest = createHash('sha512').update(secret).update(Buffer.from(format.salt, 'base64')).digest();
      return timingSafeEqual(digest, Buffer.from(format.key, 'base64'));
    }
  }
}
