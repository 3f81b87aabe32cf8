/** A file in YAML 1.2, of which JSON is a part, with the places of what is in it. */
import { isAlias, isMap, isNode, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml';

/** A step into an object or an array. */
export type Step = string | number;

export interface Place {
  readonly file: string;
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
}

/** What is wrong with a file, and where. */
export interface Fault {
  readonly place: Place;
  /** Without a full stop at its end. */
  readonly text: string;
}

export interface Source {
  readonly value: unknown;
  /** Where that is, or else the closest thing around it. */
  placeOf(path: readonly Step[]): Place;
}

/** Values that one name may stand for, over all of its uses: what is more is an attack, and no file of clients. */
const mostAliases = 100_000;

/** The faults are empty where the text could be read. */
export function parseSource(
  file: string,
  text: string,
): { readonly source: Source; readonly faults: readonly Fault[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const faults: Fault[] = [...document.errors, ...document.warnings].map(({ pos, message }) => ({
    place: placeAt(pos[0]),
    text: message.replace(/\.$/, ''),
  }));

  const readValue = (): unknown => {
    try {
      return document.toJS({ maxAliasCount: mostAliases });
    } catch (error) {
      faults.push({ place: placeAt(0), text: (error as Error).message });
      return undefined;
    }
  };
  const placeOf = (path: readonly Step[]): Place => {
    let node: unknown = document.contents;
    let offset = offsetOf(node);
    for (const step of path) {
      const around = isAlias(node) ? node.resolve(document) : node;
      if (isMap(around)) {
        const pair = around.items.find(({ key }) => String(key) === String(step));
        if (pair === undefined) {
          break;
        }
        offset = offsetOf(pair.key);
        node = pair.value;
      } else if (isSeq(around) && isNode(around.items[Number(step)])) {
        node = around.items[Number(step)];
        offset = offsetOf(node);
      } else {
        break;
      }
    }
    return placeAt(offset);
  };
  return { source: { value: faults.length === 0 ? readValue() : undefined, placeOf }, faults };
}

function offsetOf(node: unknown): number {
  return isNode(node) ? ((node as ParsedNode).range?.[0] ?? 0) : 0;
}

/** As compilers write it, so that editors jump there. */
export function formatPlace({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}
