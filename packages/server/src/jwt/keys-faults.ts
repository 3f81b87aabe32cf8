/** Tells the operator from which addresses keys of third parties cannot be fetched, and counts how often. */
import { LRUCache } from 'lru-cache';
import type { OnKeysFault } from './published-keys.ts';

/** What this needs of the log. */
interface Log {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
}

export interface KeysFaults {
  readonly record: OnKeysFault;
  /** How many fetches have failed. */
  count(): number;
}

/** Addresses that are known to fail. */
const mostAddresses = 1_000;

/** The log has one line when an address begins to fail, and one when it works again. */
export function createKeysFaults(log: Log): KeysFaults {
  const failing = new LRUCache<string, true>({ max: mostAddresses });
  let count = 0;
  return {
    record(address, fault) {
      if (fault === undefined) {
        failing.delete(address);
        log.info({ address }, 'the keys at the address can be fetched again');
        return;
      }
      count += 1;
      if (!failing.has(address)) {
        failing.set(address, true);
        log.warn(
          { address, fault: fault.message },
          'cannot fetch the keys at the address: those that are known are used for an hour, and what needs others is answered ' +
            'with 503; check that the address answers and that POSTERN_OUTBOUND_HOSTS and POSTERN_FETCH_ALLOWED_NETWORKS allow it',
        );
      }
    },
    count: () => count,
  };
}
