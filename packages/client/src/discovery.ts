/** Where a server issues tokens, by its own metadata. RFC 8414 §3, OpenID Connect Discovery §4, RFC 8705 §5. */
import { isConfidential } from '@postern/protocol';
import type { Platform } from './platform.ts';
import { isBusy, readRetryAfter } from './retry.ts';
import { send } from './send.ts';
import type { TokenAnswer } from './token-answer.ts';
import { TokenError } from './token-error.ts';

export interface Discovery {
  /** URL of the token endpoint. Throws `TokenError`. */
  find(): Promise<string>;
  /** Makes the next `find` read the metadata again: the server may have moved. */
  forget(): void;
}

export interface DiscoveryOptions {
  /** If it is known, no metadata are requested. */
  readonly tokenEndpoint: string | undefined;
  readonly usesCertificate: boolean;
  /** Whether plain http to other machines is allowed. */
  readonly allowHttp: boolean;
}

/** Throws `TypeError` for a URL that must not carry credentials. */
export function createDiscovery(
  issuer: string,
  { tokenEndpoint, usesCertificate, allowHttp }: DiscoveryOptions,
  platform: Pick<Platform, 'fetch' | 'now'>,
): Discovery {
  for (const [name, url] of Object.entries({ issuer, ...(tokenEndpoint !== undefined && { tokenEndpoint }) })) {
    if (!isConfidential(url, allowHttp)) {
      throw new TypeError(
        `${name}: '${url}' must be an https URL, or an http URL of this machine${allowHttp ? '' : ', unless allowHttp is set'}.`,
      );
    }
  }
  let found = tokenEndpoint === undefined ? undefined : Promise.resolve(tokenEndpoint);
  return {
    find() {
      const finding = found ?? discover(issuer, { usesCertificate, allowHttp }, platform);
      found = finding;
      finding.catch(() => {
        found = found === finding ? undefined : found;
      });
      return finding;
    },
    forget() {
      if (tokenEndpoint === undefined) {
        found = undefined;
      }
    },
  };
}

async function discover(
  issuer: string,
  options: Omit<DiscoveryOptions, 'tokenEndpoint'>,
  platform: Pick<Platform, 'fetch' | 'now'>,
): Promise<string> {
  let fault = '';
  for (const url of metadataUrls(issuer)) {
    const answer = await send(platform, url, { headers: { accept: 'application/json' } });
    if (isBusy(answer.status)) {
      const retryAfterSeconds = readRetryAfter(answer.headers, platform.now());
      throw new TokenError('discovery_failed', `${url} answered ${answer.status}.`, {
        status: answer.status,
        retryAfterSeconds,
      });
    }
    const endpoint = readEndpoint(answer, issuer, options);
    if ('url' in endpoint) {
      return endpoint.url;
    }
    fault ||= `${url} ${endpoint.fault}`;
  }
  throw new TokenError('discovery_failed', `The metadata of the issuer are unusable: ${fault}.`);
}

/** RFC 8414 §3.1 puts the well-known part before the issuer's path, OpenID Connect after it. */
function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}

function readEndpoint(
  { status, body }: TokenAnswer,
  issuer: string,
  { usesCertificate, allowHttp }: Omit<DiscoveryOptions, 'tokenEndpoint'>,
): { readonly url: string } | { readonly fault: string } {
  if (status !== 200 || body === undefined) {
    return { fault: `answered ${status}${status === 200 ? ' without a JSON object' : ''}` };
  }
  // RFC 8414 §3.3: they must be identical, or somebody else's metadata would be believed.
  if (body['issuer'] !== issuer) {
    return { fault: `is of the issuer '${String(body['issuer']).slice(0, 200)}' and not of '${issuer}'` };
  }
  const { mtls_endpoint_aliases: aliases } = body;
  const alias = usesCertificate ? (aliases as Record<string, unknown> | undefined)?.['token_endpoint'] : undefined;
  const url = alias ?? body['token_endpoint'];
  return typeof url === 'string' && isConfidential(url, allowHttp)
    ? { url }
    : { fault: 'has no token_endpoint with https, or with http on this machine' };
}
