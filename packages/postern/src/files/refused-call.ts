/** Which part of an entry caused the refusal of a call, by the words of the refusal. */
import type { Entry } from './declared.ts';
import type { JsonObject, Step } from './kinds/file-kind.ts';
import type { Place } from './yaml-source.ts';

/** The part of a file that asks for a call. */
export interface AskedBy {
  readonly entry: Entry;
  readonly path: readonly Step[];
}

/**
 * The text of the entry that the refusal quotes, such as a scope, or else the member that it names at its start, as
 * `rules[0].claims: ...`.
 */
export function placeOfRefusal({ entry, path }: AskedBy, refusal: string): Place {
  const value = path.reduce<unknown>((part, step) => (part as JsonObject | undefined)?.[step], entry.value);
  return entry.placeOf([...path, ...(findQuoted(value, refusal) ?? findNamed(value, refusal))]);
}

function findNamed(value: unknown, refusal: string): Step[] {
  const steps = stepsOf(/^([a-z_]+(?:\.[A-Za-z0-9_]+|\[\d+\])*):/.exec(refusal)?.[1] ?? '');
  const isThere = steps[0] !== undefined && typeof value === 'object' && value !== null && steps[0] in value;
  return isThere ? steps : [];
}

function stepsOf(text: string): Step[] {
  return text
    .split(/[.[\]]+/)
    .filter((step) => step !== '')
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

/** The longest text inside the value that the refusal has as a word. */
function findQuoted(value: unknown, refusal: string): Step[] | undefined {
  const words = new Set(refusal.split(/[\s;,']+/).flatMap((word) => [word, word.replace(/[.:]$/, '')]));
  let best: { readonly path: Step[]; readonly length: number } | undefined;
  const look = (inner: unknown, path: Step[]) => {
    if (typeof inner === 'string' && words.has(inner) && inner.length > (best?.length ?? 0)) {
      best = { path, length: inner.length };
    } else if (typeof inner === 'object' && inner !== null) {
      for (const [step, one] of Object.entries(inner)) {
        look(one, [...path, step]);
      }
    }
  };
  look(value, []);
  return best?.path;
}
