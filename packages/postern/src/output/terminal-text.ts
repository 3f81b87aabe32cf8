/** Untrusted text, made safe to print: it must not move the cursor, reverse its line or start a new one. */

/** Returns `text` on one line, without control characters and characters that change the writing direction. */
export function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
}
