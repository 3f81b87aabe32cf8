/**
 * Finds the rule for a method and a path. The most specific path decides, segment by segment from the left: a literal is more
 * specific than `{name}`, which is more specific than `**`. The order of the rules does not matter.
 */

export interface Rule {
  /** Segments: literals, `{name}` for one segment of any content, and `**` at the end for any number of segments. */
  readonly path: string;
  /** Undefined: all methods that no other rule for the same path names. */
  readonly methods: readonly string[] | undefined;
  /** `public`, or the scopes that a token must all have; none if every valid token may pass. */
  readonly needs: 'public' | readonly string[];
}

/** What a request needs. */
export interface Requirement {
  readonly isPublic: boolean;
  /** Separated by spaces. */
  readonly scope: string;
}

/** By method; '*' for all others. */
type Table = Map<string, Requirement>;

interface Node {
  readonly literals: Map<string, Node>;
  /** For a segment of any content. */
  any: Node | undefined;
  /** Undefined if there is no rule for this path. */
  own: Table | undefined;
  /** For everything below, and for the path itself if it has no rule of its own. */
  below: Table | undefined;
}

/** What the path of a rule may consist of, so that it can be read in one way only. */
export const rulePathPattern =
  /^(?=\/)(?:\/(?![^/]*\.(?:\/|$))[A-Za-z0-9_~!$&'()+,=:@.-]+|\/\{[A-Za-z0-9_-]+\})*(?:\/|\/\*\*)?$/;

export class RuleTable {
  readonly #exact = newNode();
  /** With all literals in lower case: some APIs do not distinguish them. */
  readonly #folded = newNode();

  #hasCapitals = false;
  /** The paths that the rules have, by how an API reads them that does not distinguish case. */
  readonly #paths = new Map<string, string>();

  /** Returns what is wrong with the rule beside those that were added before; undefined if it was added. */
  add({ path, methods = ['*'], needs }: Rule): string | undefined {
    const shape = path.replaceAll(/\{[^}]*\}/g, '{}').replace(/(?<=.)\/$/, '');
    const folded = shape.toLowerCase();
    const known = this.#paths.get(folded);
    if (known !== undefined && known !== shape) {
      return 'differs from another rule only in the case of letters, which some APIs ignore';
    }
    this.#paths.set(folded, shape);
    this.#hasCapitals ||= folded !== shape;
    const requirement: Requirement =
      needs === 'public' ? { isPublic: true, scope: '' } : { isPublic: false, scope: needs.join(' ') };
    for (const method of methods) {
      const table = tableOf(this.#exact, shape);
      if (table.has(method)) {
        return method === '*' ? 'has another rule that names no methods' : `has another rule for ${method}`;
      }
      table.set(method, requirement);
      tableOf(this.#folded, folded).set(method, requirement);
    }
    return undefined;
  }

  /** Returns what a request needs that an API may read in each of these ways; undefined if one of them is not allowed. */
  find(method: string, readings: readonly string[]): Requirement | undefined {
    let found: Requirement | undefined;
    for (const reading of readings) {
      const requirement = findFor(method, findTable(this.#exact, segmentsOf(reading)));
      if (requirement === undefined) {
        return undefined;
      }
      found = combine(found, requirement);
      for (const table of this.#variantsOf(reading)) {
        const another = findFor(method, table);
        if (another === undefined) {
          return undefined;
        }
        found = combine(found, another);
      }
    }
    return found;
  }

  /**
   * The rules for what some APIs take for the same path: in another case, or without a format such as `.json` at the end. If there
   * are none, an API to which the paths differ has nothing there. A name that a rule leaves open is no reason to look for a format.
   */
  #variantsOf(reading: string): Table[] {
    const folded = reading.toLowerCase();
    // Without capitals on either side it is the path that was found already.
    const isSame = folded === reading && !this.#hasCapitals;
    const start = folded.lastIndexOf('/') + 1;
    if (isSame && folded.indexOf('.', start) === -1) {
      return [];
    }
    const tables = isSame ? [] : [findTable(this.#folded, segmentsOf(folded))];
    for (const dot of new Set([folded.indexOf('.', start), folded.lastIndexOf('.')])) {
      if (dot > start) {
        tables.push(findLiteral(this.#folded, segmentsOf(folded.slice(0, dot))));
      }
    }
    return tables.filter((table) => table !== undefined);
  }
}

function combine(one: Requirement | undefined, other: Requirement): Requirement {
  if (one === undefined || one === other) {
    return other;
  }
  const scopes = new Set(`${one.scope} ${other.scope}`.split(' ').filter((name) => name !== ''));
  return { isPublic: one.isPublic && other.isPublic, scope: [...scopes].join(' ') };
}

function findFor(method: string, table: Table | undefined): Requirement | undefined {
  // APIs answer HEAD by what answers GET.
  return table?.get(method) ?? (method === 'HEAD' ? table?.get('GET') : undefined) ?? table?.get('*');
}

function findTable(node: Node, segments: readonly string[], index = 0): Table | undefined {
  const segment = segments[index];
  if (segment === undefined) {
    return node.own ?? node.below;
  }
  const literal = node.literals.get(segment);
  const any = segment === '' ? undefined : node.any;
  return (
    (literal && findTable(literal, segments, index + 1)) ?? (any && findTable(any, segments, index + 1)) ?? node.below
  );
}

/** Like `findTable`, for a path whose last segment is a literal of the rules. */
function findLiteral(node: Node, segments: readonly string[], index = 0): Table | undefined {
  const literal = node.literals.get(segments[index] ?? '');
  if (index >= segments.length - 1) {
    return literal?.own ?? literal?.below;
  }
  return (
    (literal && findLiteral(literal, segments, index + 1)) ?? (node.any && findLiteral(node.any, segments, index + 1))
  );
}

function tableOf(root: Node, path: string): Table {
  let node = root;
  for (const segment of segmentsOf(path)) {
    if (segment === '**') {
      node.below ??= new Map();
      return node.below;
    }
    if (segment.startsWith('{')) {
      node.any ??= newNode();
      node = node.any;
    } else {
      const next = node.literals.get(segment) ?? newNode();
      node.literals.set(segment, next);
      node = next;
    }
  }
  node.own ??= new Map();
  return node.own;
}

/** A slash at the end does not count: too many APIs ignore it. */
function segmentsOf(path: string): readonly string[] {
  const end = path.endsWith('/') ? path.length - 1 : path.length;
  return end < 1 ? [] : path.slice(1, end).split('/');
}

function newNode(): Node {
  return { literals: new Map(), any: undefined, own: undefined, below: undefined };
}
