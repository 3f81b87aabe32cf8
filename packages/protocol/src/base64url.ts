/**
 * Base64url as JOSE wants it: no padding, and one text for the same bytes. RFC 7515 §2, RFC 4648 §3.5 and §5.
 *
 * `Buffer` would take more than that, so that its result had to be encoded and compared; and the vector instructions that
 * it decodes with leave a processor slower for the signature check that comes next, by more than all of this takes.
 */
import { Buffer } from 'node:buffer';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** For characters that do not belong there; all others have values below. */
const invalid = 64;

const values = new Uint8Array(128).fill(invalid);
for (let value = 0; value < alphabet.length; value += 1) {
  values[alphabet.charCodeAt(value)] = value;
}

/** The bytes of a text, or undefined where it is empty or not canonical base64url. */
export function decodeBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(Math.floor((text.length * 3) / 4));
  return decodeInto(bytes, text) === undefined ? undefined : bytes;
}

/** Texts up to this length are decoded without new memory for their bytes. */
const scratch = Buffer.allocUnsafe(12_288);

/** The UTF-8 text in a text, or undefined where that is empty or not canonical base64url. */
export function decodeBase64UrlText(text: string): string | undefined {
  const length = Math.floor((text.length * 3) / 4);
  const bytes = length > scratch.length ? Buffer.allocUnsafe(length) : scratch;
  const contents = decodeInto(bytes, text);
  return contents && bytes.toString(contents === 'ascii' ? 'latin1' : 'utf8', 0, length);
}

/** Writes the bytes of `text` to the start of `bytes`, and says whether any is beyond ASCII. Undefined where there are none. */
function decodeInto(bytes: Buffer, text: string): 'ascii' | 'binary' | undefined {
  const rest = text.length % 4;
  const end = text.length - rest;
  let seen = text.length === 0 || rest === 1 ? invalid : 0;
  /** The bits of values that become the highest ones of bytes. */
  let high = 0;
  let at = 0;
  for (let i = 0; i < end; i += 4) {
    const a = valueAt(text, i);
    const b = valueAt(text, i + 1);
    const c = valueAt(text, i + 2);
    const d = valueAt(text, i + 3);
    seen |= a | b | c | d;
    high |= (a & 32) | (b & 8) | (c & 2);
    bytes[at] = (a << 2) | (b >> 4);
    bytes[at + 1] = (b << 4) | (c >> 2);
    bytes[at + 2] = (c << 6) | d;
    at += 3;
  }
  if (rest >= 2) {
    const a = valueAt(text, end);
    const b = valueAt(text, end + 1);
    const c = rest === 3 ? valueAt(text, end + 2) : 0;
    const unused = rest === 3 ? c & 3 : b & 15;
    seen |= a | b | c | (unused === 0 ? 0 : invalid);
    high |= (a & 32) | (b & 8);
    bytes[at] = (a << 2) | (b >> 4);
    if (rest === 3) {
      bytes[at + 1] = (b << 4) | (c >> 2);
    }
  }
  if (seen >= invalid) {
    return undefined;
  }
  return high === 0 ? 'ascii' : 'binary';
}

/** 64 or more for a character that does not belong there. */
function valueAt(text: string, i: number): number {
  const code = text.charCodeAt(i);
  return (values[code & 127] as number) | (code & ~127);
}
