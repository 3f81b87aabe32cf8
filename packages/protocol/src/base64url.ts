/**
 * Base64url as JOSE wants it: no padding, and one text for the same bytes. RFC 7515 §2, RFC 4648 §3.5 and §5.
 *
 * `Buffer` of Node would take more than that, so that its result had to be encoded and compared; and the vector instructions
 * that it decodes with leave a processor slower for the signature check that comes next, by more than all of this takes.
 */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Stands for invalid characters; all others have lower values. */
const invalid = 64;

const values = new Uint8Array(256).fill(invalid);
for (let value = 0; value < alphabet.length; value += 1) {
  values[alphabet.charCodeAt(value)] = value;
}

/** Decodes the base64url in `source` from `start` to `end`; undefined if it is empty, invalid or not canonical. */
export function decodeBase64Url(source: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(decodedLength(start, end));
  return decodeInto(bytes, source, start, end) ? bytes : undefined;
}

/** Texts up to this length are decoded without new memory for their bytes. */
const scratch = new Uint8Array(12_288);

/** Throws for what is not UTF-8. Keeps a byte order mark, which makes JSON invalid. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes the same to text in UTF-8; undefined also for bytes that are not UTF-8. RFC 7519 §7.2. */
export function decodeBase64UrlText(source: Uint8Array, start: number, end: number): string | undefined {
  const length = decodedLength(start, end);
  const bytes = length > scratch.length ? new Uint8Array(length) : scratch;
  if (!decodeInto(bytes, source, start, end)) {
    return undefined;
  }
  try {
    return utf8.decode(bytes.subarray(0, length));
  } catch {
    return undefined;
  }
}

function decodedLength(start: number, end: number): number {
  return Math.floor(((end - start) * 3) / 4);
}

/** Writes to the start of `bytes`. Returns false if the text is not base64url. */
function decodeInto(bytes: Uint8Array, source: Uint8Array, start: number, end: number): boolean {
  const valueAt = (i: number) => values[source[i] as number] as number;
  const rest = (end - start) % 4;
  const restAt = end - rest;
  let seen = start === end || rest === 1 ? invalid : 0;
  let at = 0;
  for (let i = start; i < restAt; i += 4) {
    const a = valueAt(i);
    const b = valueAt(i + 1);
    const c = valueAt(i + 2);
    const d = valueAt(i + 3);
    seen |= a | b | c | d;
    bytes[at] = (a << 2) | (b >> 4);
    bytes[at + 1] = (b << 4) | (c >> 2);
    bytes[at + 2] = (c << 6) | d;
    at += 3;
  }
  if (rest >= 2) {
    const a = valueAt(restAt);
    const b = valueAt(restAt + 1);
    const c = rest === 3 ? valueAt(restAt + 2) : 0;
    const unused = rest === 3 ? c & 3 : b & 15;
    seen |= a | b | c | (unused === 0 ? 0 : invalid);
    bytes[at] = (a << 2) | (b >> 4);
    if (rest === 3) {
      bytes[at + 1] = (b << 4) | (c >> 2);
    }
  }
  return seen < invalid;
}

/** Decodes a whole text. */
export function decodeBase64UrlString(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new TextEncoder().encode(text);
  return bytes.length === text.length ? decodeBase64Url(bytes, 0, bytes.length) : undefined;
}

/** Encodes bytes. Slower than what Node has for it. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
