/** Text of files, which must be UTF-8. RFC 3629 §3 and §6. */

/**
 * Decodes UTF-8, and leaves out a byte order mark. Throws an `Error` that says what the bytes are if they are UTF-16, and
 * otherwise where the first one is that cannot be: by line and byte in it, from 1.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error(describeFault(bytes));
  }
}

function describeFault(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return 'is UTF-16 by its first bytes, and must be UTF-8: save it as UTF-8';
  }
  const at = findInvalidByte(bytes);
  const before = bytes.subarray(0, at);
  const line = before.reduce((lines, byte) => (byte === 0x0a ? lines + 1 : lines), 1);
  const value = bytes[at]?.toString(16).toUpperCase().padStart(2, '0');
  return `line ${line}, byte ${at - before.lastIndexOf(0x0a)}: 0x${value} is not UTF-8: save it as UTF-8`;
}

/** Finds the first byte of what is no character: halves the part in which the decoder finds it. */
function findInvalidByte(bytes: Uint8Array): number {
  /** Decodes the beginning, without a character of which only a part is in it. */
  const decode = (end: number) =>
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end), { stream: true });
  const isValid = (end: number) => {
    try {
      decode(end);
      return true;
    } catch {
      return false;
    }
  };
  let [valid, invalid] = [0, bytes.length];
  while (invalid - valid > 1) {
    const middle = Math.floor((valid + invalid) / 2);
    [valid, invalid] = isValid(middle) ? [middle, invalid] : [valid, middle];
  }
  return new TextEncoder().encode(decode(valid)).length;
}
