/**
 * The paths that APIs may read in a request target. RFC 3986 §3.3 and §6.2, RFC 9112 §3.2.
 *
 * APIs differ in what they do to a path before they route it: they decode it once or twice, take `%2f` and `\` for a slash,
 * drop `;parameters` and empty segments, cut it at an encoded `?`, or trim and normalize its characters. Nobody knows which of
 * these steps an API takes, or in which order, so all are tried in every order, and a request must be allowed as each result.
 */

/** Characters of a path as it was sent. */
const maxPathLength = 4_096;

/** A path with more readings is written to confuse. */
const maxReadings = 32;

/** A path with a single reading, apart from the case of its letters. */
const plainPath = /^(?:\/[A-Za-z0-9_~!$&'()*+,=:@-]+(?:\.+[A-Za-z0-9_~!$&'()*+,=:@-]+)*)*\/?$/;

/** What an API may do to a path. Each returns undefined if the path cannot be decoded. */
const steps: readonly ((path: string) => string | undefined)[] = [
  decode,
  // Some APIs leave an encoded slash in its segment, and decode the rest.
  (path) => decode(path.replaceAll(/%(?=2f|5c)/gi, '%25')),
  (path) => path.replaceAll('\\', '/'),
  (path) => path.replaceAll(/;[^/]*/g, ''),
  (path) => path.replaceAll(/\/{2,}/g, '/'),
  (path) => path.replace(/[?#].*$/s, ''),
  (path) => path.replaceAll(/(?<=\/) +|(?<![. ])[. ]+(?=\/|$)/g, ''),
  (path) => path.normalize('NFKC'),
];

/**
 * Returns the readings, the path as it was sent first, each without the slash at its end. Returns undefined if the request must be
 * refused. `target` is the origin-form of a request target: a path, perhaps with a query.
 */
export function readingsOf(target: string): readonly string[] | undefined {
  const end = target.indexOf('?');
  const sent = end === -1 ? target : target.slice(0, end);
  if (sent.length > maxPathLength || sent === '') {
    return undefined;
  }
  if (plainPath.test(sent)) {
    return [withoutSlashAtEnd(sent)];
  }
  // What must be percent-encoded, and a percent sign that encodes nothing.
  if (/[^\x21-\x7e]|%(?![0-9a-f]{2})/i.test(sent)) {
    return undefined;
  }
  const found = new Set([sent]);
  for (const path of found) {
    if (!isUsual(path)) {
      return undefined;
    }
    for (const step of steps) {
      const reading = step(path);
      if (reading === undefined) {
        return undefined;
      }
      found.add(reading);
    }
    if (found.size > maxReadings) {
      return undefined;
    }
  }
  return [...new Set([...found].map(withoutSlashAtEnd))];
}

/** False for what no caller needs: a path that begins like a host, control characters, and segments of dots or spaces alone. */
function isUsual(path: string): boolean {
  return /^\/(?![/\\])/.test(path) && !/\p{Cc}/u.test(path) && !/[/\\][. ]+(?:[/\\;?#]|$)/.test(path);
}

/** Decodes what is percent-encoded, and leaves other percent signs as they are. Undefined if the bytes are not UTF-8. */
function decode(path: string): string | undefined {
  try {
    return path.replaceAll(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch {
    return undefined;
  }
}

function withoutSlashAtEnd(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
