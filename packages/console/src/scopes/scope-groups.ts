/** Groups of scopes, by the part of the name before the colon. */
import type { Scope } from '@postern/admin';

export interface ScopeGroup {
  readonly name: string;
  readonly scopes: readonly Scope[];
}

/** Groups are in the order of their first scopes. A scope without a colon is a group of its own. */
export function groupScopes(scopes: readonly Scope[]): ScopeGroup[] {
  return [...Map.groupBy(scopes, ({ name }) => name.split(':')[0] as string)].map(([name, members]) => ({
    name,
    scopes: members,
  }));
}

/** Returns the scopes with every word of `search` in their name or description. */
export function searchScopes(scopes: readonly Scope[], search: string): Scope[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return scopes.filter(({ name, description }) => {
    const text = `${name} ${description}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
