/**
 * Digests of client secrets that another server computed, so that a client moves here with the secret that it has: bcrypt,
 * PBKDF2 (RFC 8018 §5.2) and SHA-512 with a salt. Their costs are bounded, since whoever imports one chooses how long a check takes.
 */
import { createHash, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { OAuthError } from '@postern/protocol';
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

/** 2 to the power of 14 rounds take about a second. */
const mostBcryptCost = 14;

const mostIterations = 2_000_000;

/** bcrypt reads no more of a secret than this many bytes. */
const bcryptBytes = 72;

const derive = promisify(pbkdf2);

/** The forms, for error messages and the manual. */
export const importedForms =
  `bcrypt ($2a$, $2b$ or $2y$, with a cost of 4 to ${mostBcryptCost}), ` +
  `PBKDF2 ($pbkdf2-sha256$i=ITERATIONS,l=BYTES$SALT$KEY, or sha512, with at most ${mostIterations} iterations), ` +
  'or SHA-512 of the secret followed by a salt ($sha512$SALT$DIGEST), with salts, keys and digests in base64';

/** Throws `invalid_parameter` for everything else; the error does not repeat the digest. */
export function parseImportedDigest(text: string): ImportedDigest {
  const digest = readImportedDigest(text);
  if (digest === undefined) {
    throw new OAuthError('invalid_parameter', `client_secret_digest: must be ${importedForms}.`);
  }
  return digest;
}

/** Undefined if the text has another form, or a cost beyond the bounds. */
export function readImportedDigest(text: string): ImportedDigest | undefined {
  return readBcrypt(text) ?? readPbkdf2(text) ?? readSaltedSha512(text);
}

/**
 * A digest of the same form, of no secret that anybody knows. Comparing it takes as long as comparing every other one.
 */
export function unusedDigestOf(form: string): ImportedDigest | undefined {
  const salt = 'A'.repeat(22);
  if (form.startsWith('$2b$')) {
    return readImportedDigest(`${form}${salt.replaceAll('A', '.')}${'.'.repeat(31)}`);
  }
  const bytes = Number(/l=(\d+)/.exec(form)?.[1] ?? 64);
  return readImportedDigest(`${form}${salt}$${Buffer.alloc(bytes).toString('base64')}`);
}

/**
 * The three prefixes mean one algorithm; they tell which faults of old programs a server had, for secrets that those rejected
 * or that are longer than any of these servers generates.
 */
function readBcrypt(text: string): ImportedDigest | undefined {
  const [, cost = '', rest = ''] = /^\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{53})$/.exec(text) ?? [];
  if (rest === '' || Number(cost) < 4 || Number(cost) > mostBcryptCost) {
    return undefined;
  }
  const form = `$2b$${cost}$`;
  return {
    form,
    text,
    // C programs end a secret at a NUL; no secret has one.
    matches: async (secret) =>
      (await bcrypt.compare(Buffer.from(secret).subarray(0, bcryptBytes), form + rest)) && !secret.includes('\0'),
  };
}

function readPbkdf2(text: string): ImportedDigest | undefined {
  const form = /^\$pbkdf2-(sha256|sha512)\$i=(\d{1,7}),l=(\d{1,2})\$([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]+=*)$/;
  const [, hash = '', iterations = '', length = '', salt = '', key = ''] = form.exec(text) ?? [];
  const expected = Buffer.from(key, 'base64');
  const count = Number(iterations);
  if (expected.length < 16 || expected.length !== Number(length) || count < 1 || count > mostIterations) {
    return undefined;
  }
  return {
    form: `$pbkdf2-${hash}$i=${count},l=${expected.length}$`,
    text,
    matches: async (secret) =>
      timingSafeEqual(await derive(secret, Buffer.from(salt, 'base64'), count, expected.length, hash), expected),
  };
}

function readSaltedSha512(text: string): ImportedDigest | undefined {
  const [, salt = '', digest = ''] = /^\$sha512\$([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]+=*)$/.exec(text) ?? [];
  const expected = Buffer.from(digest, 'base64');
  return expected.length !== 64
    ? undefined
    : {
        form: '$sha512$',
        text,
        matches: async (secret) =>
          timingSafeEqual(createHash('sha512').update(secret).update(Buffer.from(salt, 'base64')).digest(), expected),
      };
}
