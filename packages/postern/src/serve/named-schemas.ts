/** Names the schemas of an OpenAPI document, so that generators of clients make one type of each. OpenAPI 3.1 §4.8.7, §4.8.24. */
import { isDeepStrictEqual } from 'node:util';

type Schema = Readonly<Record<string, unknown>>;

interface Document {
  readonly paths?: object | undefined;
  readonly components?: { schemas?: unknown } | undefined;
}

/**
 * Moves every schema that has a title to `components.schemas`, under its title, and leaves a reference in its place, with
 * the description and the examples that it has there. Throws if two different schemas have one title.
 */
export function nameSchemas<D extends Document>(document: D): D {
  const schemas: Record<string, unknown> = {};
  const paths = moveNamed(document.paths, schemas);
  const sorted = Object.fromEntries(Object.entries(schemas).toSorted(([one], [other]) => (one < other ? -1 : 1)));
  return { ...document, paths, components: { ...document.components, schemas: sorted } };
}

/** The members whose values are data, in which nothing is a schema. */
const dataMembers = new Set(['example', 'examples', 'default', 'enum', 'const']);

function moveNamed(value: unknown, schemas: Record<string, unknown>): unknown {
  if (Array.isArray(value)) {
    return value.map((element) => moveNamed(element, schemas));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const members = Object.entries(value).map(([name, member]) => [
    name,
    dataMembers.has(name) ? member : moveNamed(member, schemas),
  ]);
  const { title, description, examples, ...schema }: Schema = Object.fromEntries(members);
  if (typeof title !== 'string') {
    return Object.fromEntries(members);
  }
  schemas[title] ??= schema;
  if (!isDeepStrictEqual(schemas[title], schema)) {
    throw new Error(`Two schemas of the API have the title ${title}`);
  }
  const here = Object.entries({ description, examples }).filter(([, annotation]) => annotation !== undefined);
  return { $ref: `#/components/schemas/${title}`, ...Object.fromEntries(here) };
}
