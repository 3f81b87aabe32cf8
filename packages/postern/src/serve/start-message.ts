/** The message for people when the server has started. */
import { relative } from 'node:path';
import type { RunningServer } from './serve.ts';

export function describeStart({ config, rootFile }: RunningServer): string {
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  const url = `${config.tls === undefined ? 'http' : 'https'}://${host}:${config.port}`;
  // With TLS, the certificate is for the host of the issuer.
  const reachable =
    config.tls === undefined
      ? `http://${['0.0.0.0', '::'].includes(config.host) ? 'localhost' : host}:${config.port}`
      : config.issuer;
  const file = rootFile === undefined ? undefined : shortest(rootFile);
  const addresses = `
  Postern listens on ${url}   (API documentation: ${reachable}/api)
  Web console: ${reachable}/console`;
  if (config.rootDisabled) {
    return `${addresses}
  The root client is switched off by OAUTH_ROOT_DISABLED.

`;
  }
  return `${addresses}
  Root credentials: ${file ?? 'OAUTH_ROOT_CLIENT_ID and OAUTH_ROOT_CLIENT_SECRET of the environment'}

  Next, in another terminal${file === undefined ? ', with these variables set' : ' in this directory'}:

    ${file === undefined ? `curl ${reachable}/health/ready` : `source ${file}`}
    curl -X POST '${reachable}/api/v1/oauth/token' -d client_id=$OAUTH_ROOT_CLIENT_ID -d client_secret=$OAUTH_ROOT_CLIENT_SECRET -d grant_type=client_credentials

`;
}

function shortest(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}
