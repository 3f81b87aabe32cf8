/** The message for people when the server has started. All URLs in it begin with the issuer: there is no second address. */
import { relative } from 'node:path';
import { isLoopback } from '@postern/protocol';
import type { ServerConfig } from '@postern/server';
import type { RunningServer } from './serve.ts';

export function describeStart({ config, rootFile }: RunningServer): string {
  const { issuer } = config;
  const file = rootFile === undefined ? undefined : shortest(rootFile);
  const addresses = `
  Postern listens on ${listensAsIssuer(config) ? '' : `${socketOf(config)} as `}${issuer}   (API documentation: ${issuer}/api)
  Web console: ${issuer}/console`;
  if (config.rootDisabled) {
    return `${addresses}
  The root client is switched off by OAUTH_ROOT_DISABLED.

`;
  }
  return `${addresses}
  Root credentials: ${file ?? 'OAUTH_ROOT_CLIENT_ID and OAUTH_ROOT_CLIENT_SECRET of the environment'}

  Next, in another terminal${file === undefined ? ', with these variables set' : ' in this directory'}:

    ${file === undefined ? `curl ${issuer}/health/ready` : `source ${file}`}
    curl -X POST '${issuer}/api/v1/oauth/token' -d client_id=$OAUTH_ROOT_CLIENT_ID -d client_secret=$OAUTH_ROOT_CLIENT_SECRET -d grant_type=client_credentials

`;
}

/** Whether requests to the issuer reach this process without a proxy in between. */
function listensAsIssuer({ issuer, host, port }: ServerConfig): boolean {
  const { hostname, port: issuerPort } = new URL(issuer);
  return isLoopback(hostname) && issuerPort === String(port) && hostsOfLocalhost.includes(host);
}

const hostsOfLocalhost: readonly string[] = ['127.0.0.1', 'localhost', '::1', '0.0.0.0', '::'];

function socketOf({ host, port }: ServerConfig): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function shortest(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}
