/**
 * The OpenID provider at which people sign in: Postern is its client here. OpenID Connect Core §3.1, RFC 7636, RFC 8628.
 *
 * What it says is verified by openid-client: the signature, issuer, audience, nonce and times of ID tokens, and that an answer
 * belongs to the request (state, PKCE).
 */
import { type KeyObject, randomBytes } from 'node:crypto';
import { isConfidential } from '@postern/protocol';
import type { Configuration, CustomFetch } from 'openid-client';
import type { Claims } from '../claims/role-rules.ts';
import type { ServerConfig, SignInConfig } from '../config/config.ts';
import { createGuardedRequest } from '../http/guarded-fetch.ts';

/** What a sign-in keeps until the person comes back from the provider. */
export interface Checks {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** The person has not signed in yet; with `slow_down`, the provider wants to be asked less often. RFC 8628 §3.5. */
export type DevicePending = 'authorization_pending' | 'slow_down';

/** A sign-in on a device without a browser. RFC 8628 §3.2. */
export interface DeviceAuthorization {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string | undefined;
  readonly expiresInSeconds: number;
  readonly intervalSeconds: number;
}

export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable';
}

export class ProviderRefused extends Error {
  override readonly name = 'ProviderRefused';
  /** The error code of the provider, if it sent one. */
  readonly code: string | undefined;

  constructor(code: string | undefined, options: { cause: unknown }) {
    super('the provider refused, or its answer is not valid', options);
    this.code = code;
  }
}

/** Each call throws `ProviderUnavailable` if the provider does not answer, and `ProviderRefused` if it refuses or is not to be believed. */
export interface Provider {
  /** Its host, for people. */
  readonly name: string;
  readonly issuer: string;
  /** Returns where the browser goes, and what to keep until it comes back. */
  begin(): Promise<{ readonly url: string; readonly checks: Checks }>;
  /** Returns the claims about the person who came back to `url`. */
  finish(url: URL, checks: Checks): Promise<Claims>;
  /** Undefined: the provider has no device authorization. */
  beginDevice(): Promise<DeviceAuthorization | undefined>;
  /** Returns the claims about the person; undefined as long as they have not signed in. */
  finishDevice(deviceCode: string): Promise<Claims | DevicePending>;
}

export interface ProviderOptions {
  readonly config: SignInConfig;
  readonly redirectUri: string;
  readonly network: Pick<ServerConfig, 'fetchAllowedNetworks' | 'outboundHosts' | 'allowHttp'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Milliseconds for which the metadata of the provider are used before they are read again. */
const metadataMs = 3_600_000;

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

export function createProvider({ config, redirectUri, network, now }: ProviderOptions): Provider {
  const { issuer, clientId, scope } = config;
  const allowHttp = issuer.startsWith('http:') && isConfidential(issuer, network.allowHttp);
  const isLocal = isConfidential(issuer, false) && issuer.startsWith('http:');
  const request = createGuardedRequest({
    allowedNetworks: [...network.fetchAllowedNetworks, ...(isLocal ? ['127.0.0.1/32', '::1/128'] : [])],
    allowedHosts: network.outboundHosts,
    allowHttp,
  });
  // Loaded with the first sign-in: most requests are none.
  const library = () => import('openid-client');
  let known: { readonly configuration: Configuration; readonly readAt: number } | undefined;

  const send: CustomFetch = async (url, { method, headers, body }) => {
    const { host } = new URL(url);
    const text = body === undefined || body === null ? undefined : String(body);
    const answer = await request(url, { method, headers, body: text }).catch((cause: Error) => {
      throw new ProviderUnavailable(`${host}: ${cause.message}`, { cause });
    });
    if (answer.status >= 500) {
      throw new ProviderUnavailable(`${host}: status ${answer.status}`);
    }
    return answer;
  };

  const discover = async (): Promise<Configuration> => {
    if (known !== undefined && now() - known.readAt < metadataMs) {
      return known.configuration;
    }
    const client = await library();
    const { credentials } = config;
    const authentication =
      'secret' in credentials
        ? client.ClientSecretPost(credentials.secret)
        : client.PrivateKeyJwt(await importKey(credentials.privateKey));
    const configuration = await client.discovery(new URL(issuer), clientId, undefined, authentication, {
      [client.customFetch]: send,
      execute: [client.enableNonRepudiationChecks, ...(allowHttp ? [client.allowInsecureRequests] : [])],
    });
    known = { configuration, readAt: now() };
    return configuration;
  };

  /** The claims of the ID token, and others that only the userinfo endpoint tells. */
  const claimsOf = async (configuration: Configuration, idToken: Claims, accessToken: string): Promise<Claims> => {
    const { userinfo_endpoint } = configuration.serverMetadata();
    if (userinfo_endpoint === undefined) {
      return idToken;
    }
    const client = await library();
    return { ...(await client.fetchUserInfo(configuration, accessToken, String(idToken['sub']))), ...idToken };
  };

  return {
    name: new URL(issuer).host,
    issuer,
    begin: () =>
      explaining(async () => {
        const client = await library();
        const configuration = await discover();
        const checks = { state: random(), nonce: random(), codeVerifier: client.randomPKCECodeVerifier() };
        const url = client.buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri,
          scope,
          state: checks.state,
          nonce: checks.nonce,
          code_challenge: await client.calculatePKCECodeChallenge(checks.codeVerifier),
          code_challenge_method: 'S256',
        });
        return { url: url.href, checks };
      }),
    finish: (url, { state, nonce, codeVerifier }) =>
      explaining(async () => {
        const client = await library();
        const configuration = await discover();
        const answer = await client.authorizationCodeGrant(configuration, url, {
          pkceCodeVerifier: codeVerifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        });
        return claimsOf(configuration, answer.claims() ?? {}, answer.access_token);
      }),
    beginDevice: () =>
      explaining(async () => {
        const client = await library();
        const configuration = await discover();
        if (configuration.serverMetadata().device_authorization_endpoint === undefined) {
          return undefined;
        }
        const answer = await client.initiateDeviceAuthorization(configuration, { scope });
        return {
          deviceCode: answer.device_code,
          userCode: answer.user_code,
          verificationUri: answer.verification_uri,
          verificationUriComplete: answer.verification_uri_complete,
          expiresInSeconds: answer.expires_in,
          intervalSeconds: answer.interval ?? 5,
        };
      }),
    finishDevice: (deviceCode) =>
      explaining(async () => {
        const client = await library();
        const configuration = await discover();
        try {
          const answer = await client.genericGrantRequest(configuration, deviceGrant, { device_code: deviceCode });
          const idToken = answer.claims();
          if (idToken === undefined) {
            throw new Error('the provider sent no ID token');
          }
          return await claimsOf(configuration, idToken, answer.access_token);
        } catch (error) {
          const code = codeOf(error);
          if (code === 'authorization_pending' || code === 'slow_down') {
            return code;
          }
          throw error;
        }
      }),
  };
}

/** Tells an answer that is not to be believed from none. */
async function explaining<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      if (cause instanceof ProviderUnavailable) {
        throw cause;
      }
    }
    throw new ProviderRefused(codeOf(error), { cause: error });
  }
}

function codeOf(error: unknown): string | undefined {
  const { error: code } = error as { readonly error?: unknown };
  return typeof code === 'string' ? code : undefined;
}

function random(): string {
  return randomBytes(32).toString('base64url');
}

function importKey(key: KeyObject): Promise<CryptoKey> {
  const algorithm =
    key.asymmetricKeyType === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      : { name: 'ECDSA', namedCurve: 'P-256' };
  const der = key.export({ format: 'der', type: 'pkcs8' });
  return crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}
