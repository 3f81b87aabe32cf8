/** Credentials and tokens travel by https, or by http on this machine or in a network that encrypts. RFC 6749 §1.6, RFC 6750 §5.3. */

/** Whether a host name of a URL means this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/**
 * Whether nobody on the network can read or change what is sent to the URL. `allowHttp`: the network between machines, such as
 * a service mesh, encrypts every connection.
 */
export function isConfidential(text: string, allowHttp = false): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && (allowHttp || isLoopback(url.hostname)));
}
