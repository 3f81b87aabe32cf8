/** Digests of client secrets that other servers keep: bcrypt, PBKDF2 (RFC 8018 §5.2) and SHA-512 with a salt. */

/** 2 to the power of 14 rounds take about a second. */
const mostBcryptCost = 14;

const mostIterations = 2_000_000;

/** For error messages and descriptions. */
export const secretDigestFormats =
  `bcrypt ($2a$, $2b$ or $2y$, with a cost of 4 to ${mostBcryptCost}), ` +
  `PBKDF2 ($pbkdf2-sha256$i=ITERATIONS,l=BYTES$SALT$KEY, or sha512, with at most ${mostIterations} iterations), ` +
  'or SHA-512 of the secret followed by a salt ($sha512$SALT$DIGEST), with salts, keys and digests in base64';

export type SecretDigestFormat =
  | {
      readonly algorithm: 'bcrypt';
      /** How it is computed, with the cost of a check, and nothing of the digest. Digests of one form take equally long. */
      readonly form: string;
      /** Salt and digest, in the base64 of bcrypt. */
      readonly rest: string;
    }
  | {
      readonly algorithm: 'pbkdf2';
      readonly form: string;
      readonly hash: 'sha256' | 'sha512';
      readonly iterations: number;
      /** In base64. */
      readonly salt: string;
      readonly key: string;
      readonly keyBytes: number;
    }
  | { readonly algorithm: 'sha512'; readonly form: string; readonly salt: string; readonly key: string };

/** Undefined if the text has another format, or a cost beyond the bounds. */
export function parseSecretDigest(text: string): SecretDigestFormat | undefined {
  return parseBcrypt(text) ?? parsePbkdf2(text) ?? parseSha512(text);
}

/**
 * The three prefixes mean one algorithm; they tell which faults of old programs a server had, for secrets that those rejected
 * or that are longer than any of these servers generates.
 */
function parseBcrypt(text: string): SecretDigestFormat | undefined {
  const [, cost = '', rest = ''] = /^\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{53})$/.exec(text) ?? [];
  return rest === '' || Number(cost) < 4 || Number(cost) > mostBcryptCost
    ? undefined
    : { algorithm: 'bcrypt', form: `$2b$${cost}$`, rest };
}

function parsePbkdf2(text: string): SecretDigestFormat | undefined {
  const form = /^\$pbkdf2-(sha256|sha512)\$i=(\d{1,7}),l=(\d{1,2})\$([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]+=*)$/;
  const [, hash = '', count = '', length = '', salt = '', key = ''] = form.exec(text) ?? [];
  const [iterations, keyBytes] = [Number(count), Number(length)];
  if (keyBytes < 16 || keyBytes > 64 || byteLength(key) !== keyBytes || iterations < 1 || iterations > mostIterations) {
    return undefined;
  }
  return {
    algorithm: 'pbkdf2',
    form: `$pbkdf2-${hash}$i=${iterations},l=${keyBytes}$`,
    hash: hash as 'sha256' | 'sha512',
    iterations,
    salt,
    key,
    keyBytes,
  };
}

function parseSha512(text: string): SecretDigestFormat | undefined {
  const [, salt = '', key = ''] = /^\$sha512\$([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]+=*)$/.exec(text) ?? [];
  return byteLength(key) === 64 ? { algorithm: 'sha512', form: '$sha512$', salt, key } : undefined;
}

/** The number of bytes that base64 encodes, with or without padding. */
function byteLength(base64: string): number {
  return Math.floor((base64.replace(/=+$/, '').length * 3) / 4);
}
