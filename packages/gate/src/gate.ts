/**
 * Decides about the requests that gateways ask about: by the rules of a file, and by the guards of the APIs behind them. RFC 6750 §3,
 * RFC 9068 §4, RFC 9449 §7, RFC 8705 §3.
 */
import { setTimeout } from 'node:timers/promises';
import { clientSecretBasic, createTokenClient } from '@postern/client';
import {
  type AccessToken,
  type Answer,
  type ApiGuard,
  createApiGuard,
  type GuardedRequest,
  toErrorAnswer,
} from '@postern/guard';
import { certificateThumbprint, createDpopNonces, parseCertificateHeader } from '@postern/guard/node';
import { type ErrorCode, OAuthError } from '@postern/protocol';
import type { GateConfig } from './gate-file.ts';
import { identityHeaders } from './identity-headers.ts';
import type { GateMetrics } from './metrics.ts';
import { type GatewayRequest, requirementOf } from './rules/decide.ts';

export interface GateOptions {
  readonly config: GateConfig;
  /** The secret of the client that follows revocations; undefined if the configuration has none. */
  readonly clientSecret: string | undefined;
  /** The key of the nonces that DPoP proofs must have; undefined if they need none. */
  readonly dpopNonceKey?: Uint8Array | undefined;
}

/** What a gateway does with a request. */
export type Verdict =
  | {
      readonly passes: true /** For the API, in place of what the caller sent. */;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly passes: false; readonly code: ErrorCode; readonly answer: Answer };

export interface Gate {
  /** The configuration that is in use. */
  config(): GateConfig;
  /** Never throws. What cannot be decided now does not pass. */
  decide(request: GatewayRequest): Promise<Verdict>;
  /** The guards of all APIs. */
  guards(): readonly ApiGuard[];
  /** Whether requests can be decided now. */
  isReady(): boolean;
  /** Decides by another configuration from now on. Guards of the same APIs keep what they know. */
  use(options: GateOptions): Promise<void>;
  close(): Promise<void>;
}

export interface GateEnvironment {
  readonly metrics: GateMetrics;
  /** Called with what the operator should know. */
  readonly onFault: (fault: Error) => void;
  /** Called with each refusal and its reason, for the log. Neither has a secret. */
  readonly onRefusal: (error: OAuthError, request: GatewayRequest) => void;
}

interface Generation {
  readonly config: GateConfig;
  readonly passedOn: ReadonlySet<string>;
  /** By audience. */
  readonly guards: ReadonlyMap<string, RunningGuard>;
  /** What an API learns of a token, which a guard keeps for its next use. */
  readonly identities: WeakMap<AccessToken, Readonly<Record<string, string>>>;
}

interface RunningGuard {
  /** All that it was created from: a guard is kept for as long as this is the same. */
  readonly settings: string;
  readonly guard: ApiGuard;
  isStarted: boolean;
  isClosed: boolean;
}

/** Milliseconds between attempts to reach the issuer at the start. */
const retryMs = 1_000;

/** Throws `TypeError` for an issuer that must not be trusted with tokens. */
export function createGate(options: GateOptions, environment: GateEnvironment): Gate {
  let current = createGeneration(options, undefined, environment);

  return {
    config: () => current.config,
    guards: () => [...current.guards.values()].map(({ guard }) => guard),
    isReady: () =>
      [...current.guards.values()].every(({ isStarted, guard }) => isStarted && isCurrent(guard, current.config)),
    async decide(request) {
      const startedAt = performance.now();
      try {
        const { config, passedOn, guards, identities } = current;
        const { isPublic, scope, origin, audience } = requirementOf(request, config.origins, passedOn);
        let headers = identityHeaders(config.passOn, undefined);
        if (!isPublic) {
          const { guard } = guards.get(audience) as RunningGuard;
          const token = await guard.authorize(new RequestToGuard(request, origin, config.certificateHeader), scope);
          headers = identities.get(token) ?? identityHeaders(config.passOn, token);
          identities.set(token, headers);
        }
        environment.metrics.record('passed', performance.now() - startedAt);
        return { passes: true, headers };
      } catch (thrown) {
        const error = thrown instanceof OAuthError ? thrown : unexpected(thrown, environment);
        environment.metrics.record(error.code, performance.now() - startedAt);
        environment.onRefusal(error, request);
        return { passes: false, code: error.code, answer: toErrorAnswer(error) };
      }
    },
    async use(next) {
      const before = current;
      current = createGeneration(next, before, environment);
      const kept = new Set(current.guards.values());
      await Promise.all([...before.guards.values()].map((running) => (kept.has(running) ? undefined : stop(running))));
    },
    close: async () => void (await Promise.all([...current.guards.values()].map(({ guard }) => guard.close()))),
  };
}

/** A request as a guard reads it. */
class RequestToGuard implements GuardedRequest {
  readonly method: string;
  readonly path: string;
  readonly baseUrl: string;
  readonly authorization: string | undefined;
  readonly dpop: string | undefined;
  readonly #headers: GatewayRequest['headers'];
  readonly #certificateHeader: string | undefined;

  constructor({ method, target, headers }: GatewayRequest, baseUrl: string, certificateHeader: string | undefined) {
    this.method = method;
    this.path = target;
    this.baseUrl = baseUrl;
    this.authorization = headers.get('authorization');
    this.dpop = headers.get('dpop');
    this.#headers = headers;
    this.#certificateHeader = certificateHeader;
  }

  get certificateThumbprint(): string | undefined {
    return findThumbprint(this.#headers, this.#certificateHeader);
  }
}

function unexpected(thrown: unknown, { onFault }: GateEnvironment): OAuthError {
  onFault(thrown as Error);
  return new OAuthError('server_error', 'The gate could not decide about this request.', { cause: thrown });
}

function findThumbprint(headers: ReadonlyMap<string, string>, name: string | undefined): string | undefined {
  const certificate = name === undefined ? undefined : parseCertificateHeader(headers.get(name) ?? '');
  return certificate && certificateThumbprint(certificate.raw);
}

function isCurrent(guard: ApiGuard, { revocations }: GateConfig): boolean {
  const lagSeconds = guard.revocationLagSeconds() ?? 0;
  return revocations?.when_stale === 'open' || lagSeconds <= (revocations?.max_staleness_seconds ?? 60);
}

function createGeneration(
  { config, clientSecret, dpopNonceKey }: GateOptions,
  before: Generation | undefined,
  { onFault }: GateEnvironment,
): Generation {
  const guards = new Map<string, RunningGuard>();
  for (const [audience, { baseUrl, acceptTyp }] of config.audiences) {
    const { issuer, revocations } = config;
    const settings = JSON.stringify([issuer, audience, baseUrl, acceptTyp, revocations, clientSecret, dpopNonceKey]);
    const known = before?.guards.get(audience);
    if (known?.settings === settings) {
      guards.set(audience, known);
    } else {
      const guard = createApiGuard({
        issuer,
        audience,
        baseUrl,
        onFault,
        ...(acceptTyp !== undefined && { acceptTyp }),
        ...(dpopNonceKey !== undefined && { dpop: { nonces: createDpopNonces(dpopNonceKey) } }),
        ...(revocations !== undefined && {
          revocations: {
            fetch: createFeedFetch(issuer, revocations.client_id, clientSecret ?? ''),
            ...(revocations.max_staleness_seconds !== undefined && {
              maxStalenessSeconds: revocations.max_staleness_seconds,
            }),
            ...(revocations.when_stale !== undefined && { whenStale: revocations.when_stale }),
          },
        }),
      });
      const running: RunningGuard = { settings, guard, isStarted: false, isClosed: false };
      guards.set(audience, running);
      void start(running);
    }
  }
  const passedOn = new Set([...config.passOn.keys()].map((name) => name.toLowerCase()));
  return { config, passedOn, guards, identities: new WeakMap() };
}

function createFeedFetch(issuer: string, clientId: string, clientSecret: string) {
  const tokens = createTokenClient({
    issuer,
    authentication: clientSecretBasic(clientId, clientSecret),
    scope: 'revocation:read',
  });
  return tokens.fetch;
}

/** Fetches keys and revocations until both are there. Requests that come before wait for them for some seconds. */
async function start(running: RunningGuard): Promise<void> {
  while (!running.isStarted && !running.isClosed) {
    try {
      await running.guard.start();
      running.isStarted = true;
    } catch {
      // The guard has reported the fault.
      await setTimeout(retryMs, undefined, { ref: false });
    }
  }
}

async function stop(running: RunningGuard): Promise<void> {
  running.isClosed = true;
  await running.guard.close();
}
