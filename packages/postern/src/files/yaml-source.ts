/** A file in YAML 1.2, which includes JSON, with the places of its parts. */
import { isAlias, isMap, isNode, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import type { Step } from './kinds/file-kind.ts';

export interface Place {
  readonly file: string;
  /** Line and column count from 1. */
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
  /** Where the part is, or, if there is none, the closest one around it. */
  placeOf(path: readonly Step[]): Place;
}

/** How many values all uses of one alias may expand to together; only an attack needs more. */
const mostAliases = 100_000;

/** There are no faults if the text could be parsed. */
export function parseSource(
  file: string,
  text: string,
): { readonly source: Source; readonly faults: readonly Fault[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
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

/** In the form of compilers, so that editors can jump there. */
export function formatPlace({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/** A name of a member, or of a member of a member: `rules[2].path`. */
export function formatSteps(path: readonly Step[]): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}

/** At most as many faults are reported at once. */
const mostFaults = 10;

/** Returns one sentence for each fault, and how many more there are. */
export function describeFaults(faults: readonly Fault[]): string {
  const shown = faults.slice(0, mostFaults).map(({ place, text }) => `${formatPlace(place)}: ${text}.`);
  const more = faults.length > mostFaults ? [`And ${faults.length - mostFaults} more.`] : [];
  return [...shown, ...more].join(' ');
}
