/** Which part of an entry the server means when it refuses a call, by the words of the refusal. */
import type { Call } from './call.ts';
import type { Thing } from './declared.ts';
import type { Place, Step } from './yaml-source.ts';

/**
 * The member that the refusal names at its start, as `rules[0].claims: ...`, or else a text of the entry that it
 * repeats, such as a scope. Undefined where no file asks for the call.
 */
export function placeOfRefusal({ place }: Call, refusal: string): Place | undefined {
  if (place === undefined) {
    return undefined;
  }
  const { entry, at } = place;
  const value = at.reduce<unknown>((around, step) => (around as Thing | undefined)?.[step as string], entry.value);
  const named = stepsOf(/^([a-z_]+(?:\.[A-Za-z0-9_]+|\[\d+\])*):/.exec(refusal)?.[1] ?? '');
  const quoted = findQuoted(value, refusal);
  const isThere = named.length > 0 && typeof value === 'object' && value !== null && (named[0] as string) in value;
  return entry.placeOf([...at, ...(quoted ?? (isThere ? named : []))]);
}

function stepsOf(text: string): Step[] {
  return text
    .split(/[.[\]]+/)
    .filter((step) => step !== '')
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

/** The longest text inside the value that the refusal holds as a word. */
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
