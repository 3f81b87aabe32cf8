/** The base URL of a server, as people write it. */
import { isConfidential } from '@postern/protocol';
import { usageError } from '../command/command-error.ts';
import type { Environment } from './profile.ts';

/**
 * Returns the URL without a slash at the end. Throws `CommandError` if it is not a URL of a server, and for plain http to another
 * machine, which would expose secrets and tokens to the network, unless POSTERN_ALLOW_HTTP says that the network encrypts.
 */
export function parseServerUrl(text: string, env: Environment): string {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.search || url.hash) {
    throw usageError(`"${text}" is not the URL of a server. Example: --server https://auth.example.com`);
  }
  if (!isConfidential(text, env['POSTERN_ALLOW_HTTP'] === 'true')) {
    throw usageError(
      `${text} is plain http to another machine, which would expose secrets to the network. Use https. ` +
        'If the network encrypts every connection, as a service mesh does, set POSTERN_ALLOW_HTTP=true.',
    );
  }
  return url.href.replace(/\/+$/, '');
}
