/** Credentials and tokens travel by https, or by http on this machine. RFC 6749 §1.6, RFC 6750 §5.3. */

/** Whether a host name of a URL means this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** Whether nobody on the network can read or change what is sent to the URL. */
export function isConfidential(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
}
