/**
 * How often authentication may fail before further failures are refused at lower priority. Valid credentials always
 * pass. docs/decisions/0013 says why the budgets are as they are. RFC 6749 §2.3.1 and §10.10, RFC 6585 §4.
 */
import { clientIdPattern, type ErrorCode, OAuthError } from '@postern/protocol';
import { addressGroup } from '../address-group.ts';
import { createLowPriorityLane } from './low-priority-lane.ts';
import type { PeriodCounters } from './period-counters.ts';

/** Failures per minute. Go's OAuth client sends each wrong secret twice. */
const mostOfClientAtAddress = 60;
const mostOfClient = 600;
const mostOfAddress = 1_000;

/** Attempts that may wait: to be checked at all, and for the answer that they failed. */
const mostChecksWaiting = 500;
const mostRefusalsWaiting = 100;

/** The error codes of wrong credentials. Malformed requests cost almost nothing and do not count. */
const failures: ReadonlySet<ErrorCode> = new Set(['invalid_client', 'invalid_grant', 'invalid_token']);

export interface Attempt<T = unknown> {
  /** The id that the caller presents, if any. */
  readonly clientId: string | undefined;
  /** The address of the caller. */
  readonly address: string;
  /** Whether the check takes microseconds and waits for nothing, as the digest of a secret does, and a signature does not. */
  readonly isCheap: boolean;
  /** The error code of a wrong credential, if it is another one than at other places. */
  readonly failureCode?: ErrorCode;
  /**
   * Expensive work after a failure, which takes so long for every failure that its time discloses nothing: looks whether the
   * credential is right by what nobody had told this node yet. Returns undefined if there is no such thing.
   */
  readonly judgeAgain?: (() => Promise<T | undefined>) | undefined;
}

export interface FailureBudgets {
  /**
   * Runs `authenticate`, and counts a failure if it throws because of a wrong credential. If too many attempts failed
   * before, what is expensive waits for its turn in a lane of low priority, and a failure becomes `too_many_requests`,
   * which takes the caller a turn as well. What `authenticate` accepts is accepted, however many attempts failed; only if
   * 500 expensive ones wait already, the next one throws `too_many_requests` without a check.
   */
  attempt<T>(attempt: Attempt<T>, authenticate: () => Promise<T>): Promise<T>;
}

export function createFailureBudgets(counts: PeriodCounters): FailureBudgets {
  const checks = createLowPriorityLane(mostChecksWaiting);
  const refusals = createLowPriorityLane(mostRefusalsWaiting);

  const isSpent = ({ clientId, address }: Attempt): boolean => {
    if (counts.areEmpty()) {
      return false;
    }
    const keys = keysOf(clientId, address);
    const here = keys.clientAtAddress === undefined ? 0 : counts.count(keys.clientAtAddress);
    return (
      here >= mostOfClientAtAddress ||
      counts.count(keys.address) >= mostOfAddress ||
      // If a client is attacked from many addresses, a first failure at another address is still told as what it is.
      (here > 0 && keys.client !== undefined && counts.count(keys.client) >= mostOfClient)
    );
  };

  const tooMany = () => {
    const seconds = counts.secondsLeft();
    return new OAuthError('too_many_requests', `Authentication failed too often; retry in ${seconds} seconds.`, {
      reason: 'failure_budget_spent',
      retryAfterSeconds: seconds,
    });
  };

  const inLane = async <T>(authenticate: () => Promise<T>): Promise<T> => {
    const endTurn = await checks.takeTurn();
    if (endTurn === undefined) {
      throw tooMany();
    }
    try {
      return await authenticate();
    } finally {
      endTurn();
    }
  };

  return {
    async attempt({ judgeAgain = async () => undefined, ...attempt }, authenticate) {
      const wasSpent = isSpent(attempt);
      const isFailure = (error: unknown) =>
        error instanceof OAuthError && (failures.has(error.code) || error.code === attempt.failureCode);
      const check = async (again: () => ReturnType<typeof judgeAgain> = judgeAgain) => {
        try {
          return await authenticate();
        } catch (error) {
          const result = isFailure(error) ? await again() : undefined;
          if (result === undefined) {
            throw error;
          }
          return result;
        }
      };
      try {
        if (!wasSpent) {
          return await check();
        }
        return await (attempt.isCheap ? check(() => inLane(judgeAgain)) : inLane(check));
      } catch (error) {
        if (!isFailure(error)) {
          throw error;
        }
        if (!wasSpent) {
          for (const key of Object.values(keysOf(attempt.clientId, attempt.address))) {
            counts.add(key);
          }
          throw error;
        }
        (await refusals.takeTurn())?.();
        throw tooMany();
      }
    },
  };
}

/** What no client can have as its id counts for the address alone. */
function keysOf(clientId: string | undefined, address: string) {
  const group = addressGroup(address);
  return {
    address: `failures of address ${group}`,
    ...(clientId !== undefined &&
      clientIdPattern.test(clientId) && {
        client: `failures of client ${clientId}`,
        clientAtAddress: `failures at address ${group} of client ${clientId}`,
      }),
  };
}
