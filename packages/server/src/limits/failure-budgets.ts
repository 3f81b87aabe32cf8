/**
 * How often authentication may fail before it is not even tried any more. docs/decisions/0013 says why the budgets are
 * as they are. RFC 6749 §2.3.1 and §10.10, RFC 6585 §4.
 */
import { type ErrorCode, OAuthError } from '@postern/protocol';
import { addressGroup } from './address-group.ts';
import type { MinuteCounters } from './minute-counters.ts';

/** Failures a minute. Go's OAuth client tries each wrong secret twice. */
const mostOfClientAtAddress = 60;
const mostOfClient = 600;
const mostOfAddress = 1_000;

/** What a wrong credential is answered with. Malformed requests cost next to nothing and do not count. */
const failures: ReadonlySet<ErrorCode> = new Set(['invalid_client', 'invalid_grant', 'invalid_token']);

export interface FailureBudgets {
  /**
   * Runs `authenticate`, unless too many failed before: then throws `too_many_requests` at once. Counts it where it
   * throws for a wrong credential; a success is not counted. `clientId` is the one that is claimed, undefined where
   * none is; `address` that of the caller.
   */
  attempt<T>(clientId: string | undefined, address: string, authenticate: () => Promise<T>): Promise<T>;
}

export function createFailureBudgets(counts: MinuteCounters): FailureBudgets {
  const isSpent = (clientId: string | undefined, address: string): boolean => {
    if (counts.isEmpty()) {
      return false;
    }
    const keys = keysOf(clientId, address);
    const here = keys.clientAtAddress === undefined ? 0 : counts.count(keys.clientAtAddress);
    return (
      here >= mostOfClientAtAddress ||
      counts.count(keys.address) >= mostOfAddress ||
      // A client under attack from everywhere goes on where nothing failed: only who failed has no second try.
      (here > 0 && keys.client !== undefined && counts.count(keys.client) >= mostOfClient)
    );
  };

  return {
    async attempt(clientId, address, authenticate) {
      if (isSpent(clientId, address)) {
        const seconds = counts.secondsLeft();
        throw new OAuthError('too_many_requests', `Authentication failed too often: try again in ${seconds} seconds.`, {
          reason: 'failure_budget_spent',
          retryAfterSeconds: seconds,
        });
      }
      try {
        return await authenticate();
      } catch (error) {
        if (error instanceof OAuthError && failures.has(error.code)) {
          for (const key of Object.values(keysOf(clientId, address))) {
            counts.add(key);
          }
        }
        throw error;
      }
    },
  };
}

/** Longest id that is told apart; no client has one as long. */
const longestClientId = 128;

function keysOf(clientId: string | undefined, address: string) {
  const group = addressGroup(address);
  const client = clientId?.slice(0, longestClientId);
  return {
    address: `failures of address ${group}`,
    ...(client !== undefined && {
      client: `failures of client ${client}`,
      clientAtAddress: `failures at address ${group} of client ${client}`,
    }),
  };
}
