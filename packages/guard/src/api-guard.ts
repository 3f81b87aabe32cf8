/**
 * The guard of an API: verifies the tokens of one issuer by its published keys, and where it is told to, follows which
 * of them have died since. RFC 9068 §4, RFC 8414, RFC 9728, RFC 9449, RFC 8705 §3.
 *
 * Without `revocations` a token passes until it expires, whatever becomes of its client.
 */
import { type ErrorReason, isConfidential, OAuthError } from '@postern/protocol';
import type { AccessToken } from './access-token.ts';
import { type SigningAlgorithm, signingAlgorithms } from './algorithms.ts';
import { createGuard, type Decision, type DpopPolicy, type Guard } from './guard.ts';
import type { Fetch } from './issuer/fetch-document.ts';
import { createIssuerKeys } from './issuer/issuer-keys.ts';
import { describeResource, type ResourceDescription, type ResourceMetadata } from './resource-metadata.ts';
import { createRevocationFollower, type RevocationFollower } from './revocations/revocation-follower.ts';
import { createUsedProofs } from './used-proofs.ts';
import { VerifiedTokens } from './verified-tokens.ts';

export interface RevocationOptions {
  /**
   * Sends requests with an access token for the scope `revocation:read`: the `fetch` of a `@postern/client`, or any
   * other that adds the header `Authorization` and renews the token.
   */
  readonly fetch: Fetch;
  /** The news may be this old, in seconds, from 2 on. Default: 60. */
  readonly maxStalenessSeconds?: number;
  /**
   * What happens when it is older: `closed` refuses all calls with 503, `open` lets tokens pass by what was known last.
   * Default: `closed`.
   */
  readonly whenStale?: 'closed' | 'open';
}

export interface ApiGuardOptions {
  /** The authorization server, exactly as its metadata names itself. By https, or http to this machine. */
  readonly issuer: string;
  /** What tokens for this API have as their `aud`: the identifier of its resource. */
  readonly audience: string;
  /**
   * Scheme, host and what else callers put before the path that the API sees. DPoP proofs name it; headers such as
   * `Host` are not believed. Default: the origin of `audience`, where that is a URL.
   */
  readonly baseUrl?: string;
  /** What may sign tokens. Default: ES256, EdDSA, RS256 and PS256. */
  readonly algorithms?: readonly SigningAlgorithm[];
  /** Seconds by which the clocks of this machine and the issuer may differ. Default: 5. */
  readonly clockSkewSeconds?: number;
  /** Tokens whose signature is not verified again, the most recent ones. 0: none. Default: 10,000. */
  readonly tokenCacheSize?: number;
  readonly dpop?: {
    /** Default: 100,000 proofs in this process. Several processes that serve one API must share a store. */
    readonly useProof?: DpopPolicy['useProof'];
    /** Default: proofs need none. */
    readonly nonces?: DpopPolicy['nonces'];
  };
  /** For the metadata of the API. */
  readonly resource?: ResourceDescription;
  /** Default: nothing is followed. */
  readonly revocations?: RevocationOptions;
  /** Hears of every decision, for metrics. */
  readonly onDecision?: (decision: Decision) => void;
  /** Hears when the issuer cannot be reached, for the log. The guard tries again by itself. */
  readonly onFault?: (fault: Error) => void;
  /** Gets the issuer's metadata and keys. Default: the global `fetch`. */
  readonly fetch?: Fetch;
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: () => number;
}

export interface ApiGuard extends Guard {
  /** What the API says of itself; undefined where its audience is no URL. */
  readonly resourceMetadata: ResourceMetadata | undefined;
  /**
   * Gets the keys and begins to follow revocations, which the first call would do else. Resolves when both are here;
   * rejects where one cannot be had at the first attempt, and goes on trying. Calls may come before.
   */
  start(): Promise<void>;
  /** Stops following. */
  close(): Promise<void>;
  /** How old the news of revocations is, in seconds: Infinity before the first; undefined where none are followed. */
  revocationLagSeconds(): number | undefined;
}

const defaultStalenessSeconds = 60;

/** The longest that the feed is asked to wait, in seconds. */
const longestWaitSeconds = 20;

const mostProofs = 100_000;

/** How long a call waits for the first news of revocations, in milliseconds, before it is judged without. */
const firstNewsTimeoutMs = 5_000;

/** Throws `TypeError` for options that nothing can come of. */
export function createApiGuard(options: ApiGuardOptions): ApiGuard {
  const { issuer, audience, clockSkewSeconds = 5, tokenCacheSize = 10_000, dpop = {}, onDecision } = options;
  const { fetch = (url, init) => globalThis.fetch(url, init), now = Date.now, onFault = () => {} } = options;
  if (!isConfidential(issuer)) {
    throw new TypeError(`issuer: "${issuer}" is no https URL, nor an http one of this machine`);
  }
  const resourceMetadata = describeResource(audience, issuer, options.resource ?? {});
  const keys = createIssuerKeys({ issuer, fetch, now, onFault });
  const { revocations } = options;
  const follower =
    revocations &&
    createRevocationFollower({
      issuer,
      fetch: revocations.fetch,
      waitSeconds: waitSecondsFor(revocations),
      clockSkewSeconds,
      now,
      onFault,
    });
  const guard = createGuard({
    issuer,
    audience,
    algorithms: options.algorithms ?? signingAlgorithms,
    clockSkewSeconds,
    baseUrl: readBaseUrl(options),
    now,
    findKey: keys.find,
    seekKey: keys.seek,
    findFault: revocations && follower ? createFaultFinder(follower, revocations) : () => undefined,
    dpop: { useProof: dpop.useProof ?? createUsedProofs(mostProofs, now), nonces: dpop.nonces },
    resourceMetadata: resourceMetadata?.url,
    verifiedTokens: tokenCacheSize > 0 ? new VerifiedTokens(tokenCacheSize) : undefined,
    onDecision,
  });
  return {
    ...guard,
    resourceMetadata,
    async start() {
      await Promise.all([keys.load(), follower?.start()]);
    },
    close: async () => follower?.close(),
    revocationLagSeconds: () => follower?.lagSeconds(),
  };
}

/** What was withdrawn stays so, however old the news; the policy is about what may have been since. */
function createFaultFinder(
  follower: RevocationFollower,
  { maxStalenessSeconds = defaultStalenessSeconds, whenStale = 'closed' }: RevocationOptions,
) {
  const judge = (token: AccessToken, lagSeconds: number): ErrorReason | undefined => {
    const fault = follower.findFault(token);
    if (fault === undefined && whenStale === 'closed' && lagSeconds > maxStalenessSeconds) {
      throw new OAuthError('temporarily_unavailable', 'Whether the token was revoked cannot be told now: try again.', {
        reason: 'revocations_stale',
      });
    }
    return fault;
  };
  const judgeLater = async (token: AccessToken) => {
    void follower.start().catch(() => {});
    await follower.untilReady(firstNewsTimeoutMs);
    return judge(token, follower.lagSeconds());
  };
  return (token: AccessToken) => {
    const lagSeconds = follower.lagSeconds();
    return lagSeconds === Number.POSITIVE_INFINITY ? judgeLater(token) : judge(token, lagSeconds);
  };
}

/** Short enough that a feed which has nothing new says so in time. */
function waitSecondsFor({ maxStalenessSeconds = defaultStalenessSeconds }: RevocationOptions): number {
  if (!(maxStalenessSeconds >= 2)) {
    throw new TypeError(`maxStalenessSeconds: ${maxStalenessSeconds} is less than 2`);
  }
  return Math.min(Math.max(Math.floor(maxStalenessSeconds / 3), 1), longestWaitSeconds);
}

function readBaseUrl({ audience, baseUrl }: ApiGuardOptions): string {
  const url = URL.parse(baseUrl ?? audience);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new TypeError(
      baseUrl === undefined
        ? `audience: "${audience}" is no URL, so baseUrl must say where the API is`
        : `baseUrl: "${baseUrl}" is no http or https URL`,
    );
  }
  return baseUrl === undefined ? url.origin : url.origin + url.pathname.replace(/\/$/, '');
}
