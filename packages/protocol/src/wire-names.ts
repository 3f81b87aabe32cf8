/** Names of members: snake_case on the wire, as the IANA OAuth registry has them, and camelCase in the code. */

type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name;

type CamelCase<Name extends string> = Name extends `${infer Word}_${infer Rest}`
  ? `${Word}${Capitalize<CamelCase<Rest>>}`
  : Name;

/** JSON has no sets. */
type WireValue<T> = T extends ReadonlySet<infer Item> ? Item[] : T;

export type WireNamed<T> = { [Name in keyof T as SnakeCase<Name & string>]: WireValue<T[Name]> };

export type CodeNamed<T> = { [Name in keyof T as CamelCase<Name & string>]: T[Name] };

/** Returns the object with the names that its own members have on the wire, and arrays for sets. Objects inside keep theirs. */
export function toWireNames<T extends object>(object: T): WireNamed<T> {
  const named = rename(object, (name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  return named as WireNamed<T>;
}

/** Returns the object with the names that its own members have in the code. Objects inside keep theirs. */
export function fromWireNames<T extends object>(object: T): CodeNamed<T> {
  return rename(object, (name) => name.replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase())) as CodeNamed<T>;
}

function rename(object: object, nameOf: (name: string) => string): object {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [nameOf(name), value instanceof Set ? [...value] : value]),
  );
}
