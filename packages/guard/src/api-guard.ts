/**
 * The guard of an API: verifies the tokens of one issuer by its published keys and, if configured, follows which of them
 * are revoked. RFC 9068 §4, RFC 8414, RFC 9728, RFC 9449, RFC 8705 §3.
 *
 * Without `revocations`, a token is accepted until it expires, even if it or its client is revoked.
 */
import { type ErrorReason, feedKeyUse, isConfidential, OAuthError } from '@postern/protocol';
import type { AccessToken } from './access-token.ts';
import { type SigningAlgorithm, signingAlgorithms } from './crypto/algorithms.ts';
import { createGuard, type Decision, type DpopPolicy, type Guard } from './guard.ts';
import type { Fetch } from './issuer/fetch-document.ts';
import { createIssuerKeys } from './issuer/issuer-keys.ts';
import { createKeptCopy, type OpenCache } from './issuer/kept-copy.ts';
import type { KeyUse } from './issuer/published-keys.ts';
import { RecentMap } from './recent-map.ts';
import { describeResource, type ResourceDescription, type ResourceMetadata } from './resource-metadata.ts';
import { createFeedRequest } from './revocations/feed-request.ts';
import { createRequestFollower, type RequestFollower, type WaitUntil } from './revocations/request-follower.ts';
import {
  createRevocationFollower,
  type RevocationFollower,
  type RevocationFollowerOptions,
} from './revocations/revocation-follower.ts';
import type { FindKey } from './revocations/signed-answer.ts';
import { createStreamPoll } from './revocations/stream-poll.ts';
import { createUsedProofs } from './used-proofs.ts';
import type { AccessTokenTyp, VerifiedToken } from './verify-access-token.ts';

export interface RevocationOptions {
  /**
   * Sends requests with an access token that has the scope `revocation:read`: the `fetch` of a `@postern/client`, or another
   * that adds the header `Authorization` and renews the token.
   */
  readonly fetch: Fetch;
  /**
   * Follows an event stream of shared signals instead of the feed (SSF 1.0): the token of `fetch` has the scope
   * `ssf.read` too. Default: follows the feed.
   */
  readonly sharedSignals?: SharedSignalsOptions;
  /** Seconds that the known revocations may lag behind the issuer, at least 2. Default: 60. */
  readonly maxStalenessSeconds?: number;
  /**
   * What happens if they lag further behind: `closed` rejects all calls with 503, `open` continues with the revocations
   * known so far. Default: `closed`.
   */
  readonly whenStale?: 'closed' | 'open';
  /**
   * How many revoked tokens and changed clients are kept in memory; 2,000,000 revoked tokens take 110 MB. `onFault` is called when
   * 80 % are reached. If all are, the clients with the most revoked tokens must get new ones for this API. Default: 2,000,000.
   */
  readonly maxEntries?: number;
}

/** An event stream, which any number of guards may follow. */
export interface SharedSignalsOptions {
  /** The `stream_id` of a stream whose only event is `urn:postern:event-type:revocation-feed`. */
  readonly streamId: string;
  /** The client that created the stream, and whose tokens `fetch` sends. */
  readonly clientId: string;
}

export interface ApiGuardOptions {
  /** The issuer, exactly as in the metadata of the authorization server: an https URL, or http on this machine. */
  readonly issuer: string;
  /**
   * True: the issuer and its keys may be reached by plain http on another machine, for networks that encrypt every connection
   * themselves, such as a service mesh. Anywhere else, whoever can change what is sent can forge tokens. Default: false.
   */
  readonly allowHttp?: boolean;
  /** The `aud` of tokens for this API: the identifier of its resource. */
  readonly audience: string;
  /**
   * The URL before the path that the API sees, as callers use it. DPoP proofs contain it; headers such as `Host` are not
   * trusted. Default: the origin of `audience`; required if that is not a URL.
   */
  readonly baseUrl?: string;
  /** The accepted signature algorithms. Default: ES256, EdDSA, RS256 and PS256. */
  readonly algorithms?: readonly SigningAlgorithm[];
  /**
   * The accepted types of tokens. `JWT` is for an API whose resource has it as its `access_token_typ`; any JWT that the issuer
   * signs may have it, so that the type no longer tells an access token from another. Default: only `at+jwt`.
   */
  readonly acceptTyp?: readonly AccessTokenTyp[];
  /** Seconds by which the clocks of this machine and the issuer may differ. Default: 5. */
  readonly clockSkewSeconds?: number;
  /** How many recently used tokens are kept so that their signature is not verified again; 0 for none. Default: 10,000. */
  readonly tokenCacheSize?: number;
  readonly dpop?: {
    /**
     * Default: keeps 100,000 proofs of each client in this process. Several processes that serve one API must share a store.
     */
    readonly useProof?: DpopPolicy['useProof'];
    /** Default: proofs need no nonce. */
    readonly nonces?: DpopPolicy['nonces'];
  };
  /** Members of the metadata of the API. */
  readonly resource?: ResourceDescription;
  /** Default: revocations are not followed. */
  readonly revocations?: RevocationOptions;
  /** Called with every decision, for metrics. */
  readonly onDecision?: (decision: Decision) => void;
  /**
   * Called when the issuer cannot be reached, its metadata name another issuer or too many tokens are revoked, for the log. The
   * guard retries automatically. Default: writes each new message to standard error.
   */
  readonly onFault?: (fault: Error) => void;
  /** Fetches metadata and keys of the issuer. Default: the global `fetch`. */
  readonly fetch?: Fetch;
  /**
   * For platforms that run nothing between requests, such as Cloudflare Workers and service workers: opens the cache that
   * keeps keys and revocations, such as `() => caches.open('postern')`. Whoever can write to it can forge tokens. Each
   * request then goes to `refresh` first, as `@postern/guard/fetch` and `/hono` do. Default: the guard works in the background.
   */
  readonly openCache?: OpenCache;
  /** Returns milliseconds since 1970. Default: the clock of the system. */
  readonly now?: () => number;
  /** Returns milliseconds by a clock that never jumps, by which ages are measured. Default: that of `performance`. */
  readonly monotonic?: () => number;
}

export interface ApiGuard extends Guard {
  /** The metadata of the API; undefined if its audience is not an http or https URL. */
  readonly resourceMetadata: ResourceMetadata | undefined;
  /**
   * Fetches the keys and begins to follow revocations, which otherwise happens at the first call. Resolves when both are
   * available; rejects if the first attempt fails, and continues to retry. Calls need not wait for it.
   */
  start(): Promise<void>;
  /**
   * With `openCache`: fetches what is new, within this request and, by `waitUntil`, for up to 20 seconds after it, so that
   * requests of that time wait for nothing. Never rejects: `authorize` then says 503 if too little is known. Undefined without.
   */
  readonly refresh: ((waitUntil: WaitUntil) => Promise<void>) | undefined;
  /** Stops following revocations. */
  close(): Promise<void>;
  /** Seconds that the known revocations lag behind: Infinity before the first answer, undefined if none are followed. */
  revocationLagSeconds(): number | undefined;
}

const defaultClockSkewSeconds = 5;

const defaultStalenessSeconds = 60;

const defaultMaxEntries = 2_000_000;

const leastMaxEntries = 1_000;

/** Seconds that the feed is asked to wait at most. */
const maxFeedWaitSeconds = 20;

/** Of one client as many as a process verifies in a minute. All take 142 MB. */
const proofLimits = { mostOfClient: 100_000, mostOfAll: 1_000_000 };

/** Milliseconds that a call waits for the first answer of the revocation feed. */
const firstAnswerTimeoutMs = 5_000;

/** Creates the guard of an API. Throws `TypeError` for invalid options. */
export function createApiGuard(options: ApiGuardOptions): ApiGuard {
  const {
    issuer,
    audience,
    clockSkewSeconds = defaultClockSkewSeconds,
    tokenCacheSize = 10_000,
    dpop = {},
    onDecision,
  } = options;
  const { fetch = (url, init) => globalThis.fetch(url, init), now = Date.now, onFault = createFaultLog() } = options;
  const { monotonic = () => performance.now(), allowHttp = false } = options;
  // A clock of the caller's own measures everything but the age of news: if it jumps, news is no older than before.
  const ageClock = options.monotonic ?? options.now ?? monotonic;
  if (!isConfidential(issuer, allowHttp)) {
    throw new TypeError(
      `issuer: "${issuer}" is neither an https URL nor an http URL of this machine${allowHttp ? '' : ', and allowHttp is not set'}`,
    );
  }
  const resourceMetadata = describeResource(audience, issuer, options.resource ?? {});
  const { revocations, openCache } = options;
  const openKeys = (use: KeyUse, name: string) => {
    const copy = openCache && createKeptCopy(`${issuer}/.well-known/${name}`, openCache, now);
    return createIssuerKeys({ issuer, use, allowHttp, fetch, now: ageClock, onFault, copy });
  };
  const keys = openKeys('sig', 'postern-keys');
  const feedKeys = openKeys(feedKeyUse, 'postern-feed-keys');
  const sourceKeys = revocations?.sharedSignals === undefined ? feedKeys : keys;
  const findSourceKey = async (kid: string) => {
    const known = sourceKeys.find(kid);
    if (known !== undefined) {
      return known;
    }
    await sourceKeys.load();
    return sourceKeys.find(kid);
  };
  const follower =
    revocations &&
    createFollower(options, revocations, findSourceKey, {
      now,
      monotonic,
      onFault,
      onKeyRevoked() {
        keys.renew();
        sourceKeys.renew();
      },
    });
  const guard = createGuard({
    issuer,
    audience,
    algorithms: options.algorithms ?? signingAlgorithms,
    acceptTyp: options.acceptTyp,
    clockSkewSeconds,
    baseUrl: readBaseUrl(options),
    now,
    findKey: keys.find,
    fetchKey: keys.fetch,
    findInactiveReason: revocations && follower ? createRevocationCheck(follower, revocations) : () => undefined,
    dpop: {
      useProof: dpop.useProof ?? createUsedProofs({ ...proofLimits, now, monotonic: ageClock }),
      nonces: dpop.nonces,
    },
    resourceMetadata: resourceMetadata?.url,
    verifiedTokens: tokenCacheSize > 0 ? new RecentMap<VerifiedToken>(tokenCacheSize) : undefined,
    onDecision,
  });
  return {
    ...guard,
    resourceMetadata,
    refresh:
      openCache &&
      (async (waitUntil) => {
        const preparing = follower === undefined ? [keys] : [keys, sourceKeys];
        await Promise.all([...preparing.map((one) => one.prepare(waitUntil)), follower?.refresh?.(waitUntil)]);
      }),
    async start() {
      await Promise.all([keys.load(), follower?.start()]);
    },
    close: async () => follower?.close(),
    revocationLagSeconds: () => follower?.lagSeconds(),
  };
}

/** Writes what went wrong to standard error; the same message several times in a row only once. */
function createFaultLog(): (fault: Error) => void {
  let last: string | undefined;
  return ({ message }) => {
    if (message !== last) {
      last = message;
      // biome-ignore lint/suspicious/noConsole: standard error on every platform; an API that wants it elsewhere passes onFault
      console.error(`@postern/guard: ${message}`);
    }
  };
}

/** A follower that works in the background or, with `openCache`, within requests. */
function createFollower(
  { issuer, audience, clockSkewSeconds = defaultClockSkewSeconds, openCache }: ApiGuardOptions,
  revocations: RevocationOptions,
  findKey: FindKey,
  parts: Pick<RevocationFollowerOptions, 'now' | 'monotonic' | 'onFault' | 'onKeyRevoked'>,
): RevocationFollower & Partial<RequestFollower> {
  const { fetch, sharedSignals } = revocations;
  const source = { issuer, fetch, findKey };
  const fetchSignedPage =
    sharedSignals === undefined ? createFeedRequest(source) : createStreamPoll({ ...source, ...sharedSignals });
  const common = { ...parts, issuer, fetchSignedPage, clockSkewSeconds, maxEntries: maxEntriesOf(revocations) };
  const waitSeconds = waitSecondsFor(revocations);
  if (openCache === undefined) {
    return createRevocationFollower({ ...common, waitSeconds });
  }
  const copy = new URLSearchParams({ audience, ...(sharedSignals && { stream: sharedSignals.streamId }) });
  const copyUrl = `${issuer}/.well-known/postern-revocations?${copy}`;
  return createRequestFollower({ ...common, copyUrl, openCache });
}

/** Known revocations hold, however old they are; `whenStale` is about those that are not known yet. */
function createRevocationCheck(
  follower: RevocationFollower,
  { maxStalenessSeconds = defaultStalenessSeconds, whenStale = 'closed' }: RevocationOptions,
) {
  const check = (token: AccessToken, lagSeconds: number): ErrorReason | undefined => {
    const reason = follower.findInactiveReason(token);
    if (reason === undefined && whenStale === 'closed' && lagSeconds > maxStalenessSeconds) {
      throw new OAuthError(
        'temporarily_unavailable',
        'It is unknown at the moment whether the token was revoked. Try again later.',
        {
          reason: 'revocations_stale',
        },
      );
    }
    return reason;
  };
  const checkLater = async (token: AccessToken) => {
    void follower.start().catch(() => {});
    await follower.waitUntilReady(firstAnswerTimeoutMs);
    return check(token, follower.lagSeconds());
  };
  return (token: AccessToken) => {
    const lagSeconds = follower.lagSeconds();
    return lagSeconds === Number.POSITIVE_INFINITY ? checkLater(token) : check(token, lagSeconds);
  };
}

/** Short enough that a feed without news answers before `maxStalenessSeconds` have passed. */
function waitSecondsFor({ maxStalenessSeconds = defaultStalenessSeconds }: RevocationOptions): number {
  if (!(maxStalenessSeconds >= 2)) {
    throw new TypeError(`maxStalenessSeconds: ${maxStalenessSeconds} is less than 2`);
  }
  return Math.min(Math.max(Math.floor(maxStalenessSeconds / 3), 1), maxFeedWaitSeconds);
}

function maxEntriesOf({ maxEntries = defaultMaxEntries }: RevocationOptions): number {
  if (!(maxEntries >= leastMaxEntries)) {
    throw new TypeError(`maxEntries: ${maxEntries} is less than ${leastMaxEntries}`);
  }
  return maxEntries;
}

function readBaseUrl({ audience, baseUrl }: ApiGuardOptions): string {
  const url = URL.parse(baseUrl ?? audience);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new TypeError(
      baseUrl === undefined
        ? `audience: "${audience}" is not an http or https URL, so baseUrl is required`
        : `baseUrl: "${baseUrl}" is not an http or https URL`,
    );
  }
  return baseUrl === undefined ? url.origin : url.origin + url.pathname.replace(/\/$/, '');
}
