/** The path of a request as its URL has it. RFC 3986 §3.3. */

/** Returns the path of a URL with its query, unchanged. */
export function pathOf(url: string): string {
  return url.slice(url.indexOf('/', url.indexOf('//') + 2));
}
