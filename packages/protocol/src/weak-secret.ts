/** Whether a secret that a person chose can be guessed. RFC 6749 §10.10. */
import { Buffer } from 'node:buffer';
import { deflateRawSync } from 'node:zlib';

/** 128 random bits are 22 characters of base64url. */
const shortestSecret = 22;

/** 128 random bits compress to 21 bytes in base64url, to 29 in hex. */
const fewestBytes = 20;

/** What people write if they do not generate a secret; text that consists of it compresses to a few bytes. */
const guesses = Buffer.concat([
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  Buffer.from(
    'fidesopsadminsecretfidespostgresqwertyuiopasdfghjklzxcvbnm' +
      '1234567890letmeinhunter2welcomeexampletestdemodefaulttokenkeycredentialchange-mechange_mechangemepassw0rd' +
      'your-password-of-the-root-client_secret.of-posternrootsecret-of-root-secretabcdefghijklmnopqrstuvwxyz' +
      '0123456789abcdef',
  ),
]);

/**
 * Why a secret in text is too weak, as the end of a sentence, without the secret; undefined if it looks random. Does not
 * find passwords that only their author knows: nothing can tell these from random text.
 */
export function findSecretWeakness(text: string): string | undefined {
  if (text.length < shortestSecret) {
    return `has only ${text.length} characters, and needs at least ${shortestSecret} random ones`;
  }
  // What two programs would spell differently is one guess for a person: upper and lower case count as the same.
  return findRepetition(Buffer.from(text.toLowerCase()));
}

/** The same for the bytes of a key, which are no text: 32 random bytes are printable characters once in 10 trillion times. */
export function findKeyWeakness(key: Buffer): string | undefined {
  return key.every((byte) => byte >= 0x20 && byte <= 0x7e)
    ? 'is easy to guess: its bytes are text and not random'
    : findRepetition(key);
}

function findRepetition(bytes: Buffer): string | undefined {
  return deflateRawSync(bytes, { dictionary: guesses, level: 9 }).length < fewestBytes
    ? 'is easy to guess: it consists of repetitions, sequences or well-known words'
    : undefined;
}
