/** Bounds on JSON that others send, so that whatever walks over it afterwards has little to do. RFC 9396 §12. */

export interface JsonBounds {
  /** Bytes of its text. */
  readonly bytes: number;
  /** Objects and arrays inside one another. */
  readonly depth: number;
  /** Members of one object, or elements of one array. */
  readonly entries: number;
  /** Characters of one string. */
  readonly stringLength: number;
}

/** What about the value is out of bounds, to follow the words "it has"; undefined where nothing is. */
export function findBoundsFault(value: unknown, bounds: JsonBounds): string | undefined {
  // The walk comes first: it stops at the depth, where writing the value as text might not.
  const fault = findFaultBelow(value, bounds, bounds.depth);
  if (fault !== undefined) {
    return fault;
  }
  return Buffer.byteLength(JSON.stringify(value)) > bounds.bytes ? `more than ${bounds.bytes} bytes` : undefined;
}

function findFaultBelow(value: unknown, bounds: JsonBounds, depth: number): string | undefined {
  if (typeof value === 'string') {
    return value.length > bounds.stringLength ? `a string of more than ${bounds.stringLength} characters` : undefined;
  }
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : 'a number that is too large';
  }
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  if (depth === 0) {
    return `more than ${bounds.depth} levels`;
  }
  const entries = Object.entries(value);
  if (entries.length > bounds.entries) {
    return `more than ${bounds.entries} entries in one object or array`;
  }
  for (const [name, entry] of entries) {
    if (name === '__proto__') {
      return 'a member named __proto__';
    }
    const fault = findFaultBelow(entry, bounds, depth - 1);
    if (fault !== undefined) {
      return fault;
    }
  }
  return undefined;
}
