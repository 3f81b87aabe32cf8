/** The base URL of a server, as people write it. */
import { isConfidential } from '@postern/protocol';
import { usageError } from '../command/command-error.ts';

/**
 * Returns the URL without a slash at the end. Throws `CommandError` if it is not a URL of a server, and for plain http to another
 * machine, which would expose secrets and tokens to the network.
 */
export function parseServerUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.search || url.hash) {
    throw usageError(`"${text}" is not the URL of a server. Example: --server https://auth.example.com`);
  }
  if (!isConfidential(text)) {
    throw usageError(`${text} is plain http to another machine, which would expose secrets to the network. Use https.`);
  }
  return url.href.replace(/\/+$/, '');
}
