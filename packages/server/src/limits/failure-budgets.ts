/**
 * How often authentication may fail before further attempts are rejected without a check. docs/decisions/0013 says why
 * the budgets are as they are. RFC 6749 §2.3.1 and §10.10, RFC 6585 §4.
 */
import { type ErrorCode, OAuthError } from '@postern/protocol';
import { addressGroup } from './address-group.ts';
import type { MinuteCounters } from './minute-counters.ts';

/** Failures per minute. Go's OAuth client sends each wrong secret twice. */
const mostOfClientAtAddress = 60;
const mostOfClient = 600;
const mostOfAddress = 1_000;

/** The error codes of wrong credentials. Malformed requests cost almost nothing and do not count. */
const failures: ReadonlySet<ErrorCode> = new Set(['invalid_client', 'invalid_grant', 'invalid_token']);

export interface FailureBudgets {
  /**
   * Runs `authenticate`, and counts a failure if it throws because of a wrong credential. If too many attempts failed
   * before, it throws `too_many_requests` instead. `clientId` is the id that the caller presents, if any; `address` is
   * the address of the caller.
   */
  attempt<T>(clientId: string | undefined, address: string, authenticate: () => Promise<T>): Promise<T>;
}

export function createFailureBudgets(counts: MinuteCounters): FailureBudgets {
  const isSpent = (clientId: string | undefined, address: string): boolean => {
    const keys = keysOf(clientId, address);
    const here = keys.clientAtAddress === undefined ? 0 : counts.count(keys.clientAtAddress);
    return (
      here >= mostOfClientAtAddress ||
      counts.count(keys.address) >= mostOfAddress ||
      // If a client is attacked from many addresses, callers at addresses without a failure can still authenticate.
      (here > 0 && keys.client !== undefined && counts.count(keys.client) >= mostOfClient)
    );
  };

  return {
    async attempt(clientId, address, authenticate) {
      if (isSpent(clientId, address)) {
        const seconds = counts.secondsLeft();
        throw new OAuthError('too_many_requests', `Authentication failed too often; retry in ${seconds} seconds.`, {
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

/** Characters of an id that are compared; no client has a longer one. */
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
