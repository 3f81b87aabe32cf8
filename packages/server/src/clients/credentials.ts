/** Client ids, secrets and registration tokens: letters and digits only, so that every encoding means the same. */
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** 43 letters or digits are 256 bits. */
const secretLength = 43;
const checksumLength = 6;

/** What secret scanners look for: a client secret, a token for dynamic registration, or the secret of a session. */
const secretForm = /^postern(iat|rat|ses|code)?[0-9A-Za-z]{49}$/;

/** A new client id: 22 letters and digits, 130 bits. */
export function generateClientId(): string {
  return randomText(22);
}

/**
 * A new client secret: a prefix, 256 random bits, and a checksum of both (CRC-32 in base 62), by which a scanner
 * distinguishes a secret from similar text.
 */
export function generateClientSecret(): string {
  return generateSecret('postern');
}

/** A new initial access token, in the form of a client secret. RFC 7591 §1.2. */
export function generateInitialAccessToken(): string {
  return generateSecret('posterniat');
}

/** A new registration access token, in the form of a client secret. RFC 7592 §1.2. */
export function generateRegistrationAccessToken(): string {
  return generateSecret('posternrat');
}

/** The secret of a new session, in the form of a client secret. */
export function generateSessionSecret(): string {
  return generateSecret('posternses');
}

/** A new code that begins one session, in the form of a client secret. */
export function generateSessionCode(): string {
  return generateSecret('posterncode');
}

function generateSecret(prefix: string): string {
  const body = prefix + randomText(secretLength);
  return body + checksum(body);
}

/** Whether the text has the form and checksum of one of these secrets. Does not check whether it is valid. */
export function isWellFormedSecret(text: string): boolean {
  const body = text.slice(0, -checksumLength);
  return secretForm.test(text) && text.slice(-checksumLength) === checksum(body);
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let i = 0; i < checksumLength; i += 1) {
    text = alphabet.charAt(rest % alphabet.length) + text;
    rest = Math.floor(rest / alphabet.length);
  }
  return text;
}

function randomText(length: number): string {
  // Bytes of 248 and above are skipped, since 248 is the last multiple of 62 in a byte: the remainders of all 256 would
  // favor the first letters.
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && text.length < length) {
        text += alphabet.charAt(byte % alphabet.length);
      }
    }
  }
  return text;
}
