/** What many callers hold open at once, bounded for each address and for all together. */

export interface CrowdOptions<T> {
  readonly mostOfAddress: number;
  readonly mostOfAll: number;
  /** Whether an item may be given up for a new one. */
  readonly isIdle: (item: T) => boolean;
  /** Gives an item up. */
  readonly evict: (item: T) => void;
}

export interface Crowd<T> {
  /**
   * Adds an item of an address; `undefined`, for a trusted proxy, counts among all only. If there are too many, the
   * longest idle one of this address, or of the address that has most, is evicted; the new one itself if none is idle.
   */
  add(item: T, address: string | undefined): void;
  /** Makes the item the one that was idle last. */
  refresh(item: T): void;
  remove(item: T): void;
}

export function createCrowd<T>({ mostOfAddress, mostOfAll, isIdle, evict }: CrowdOptions<T>): Crowd<T> {
  /** By address, in the order in which they became idle. */
  const groups = new Map<string | undefined, Set<T>>();
  const addresses = new Map<T, string | undefined>();

  const largest = () =>
    [...groups.values()].reduce((most, group) => (group.size > most.size ? group : most), new Set<T>());

  const makeRoom = (group: ReadonlySet<T>, added: T) => {
    for (const item of group) {
      if (isIdle(item)) {
        crowd.remove(item);
        evict(item);
        return;
      }
    }
    crowd.remove(added);
    evict(added);
  };

  const crowd: Crowd<T> = {
    add(item, address) {
      const group = groups.get(address) ?? new Set();
      groups.set(address, group.add(item));
      addresses.set(item, address);
      if (address !== undefined && group.size > mostOfAddress) {
        makeRoom(group, item);
      } else if (addresses.size > mostOfAll) {
        makeRoom(largest(), item);
      }
    },
    refresh(item) {
      const group = groups.get(addresses.get(item));
      if (group?.delete(item)) {
        group.add(item);
      }
    },
    remove(item) {
      const address = addresses.get(item);
      const group = groups.get(address);
      addresses.delete(item);
      if (group?.delete(item) && group.size === 0) {
        groups.delete(address);
      }
    },
  };
  return crowd;
}
