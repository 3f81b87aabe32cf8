/** What files say that a server should have: entries of all files together, each with its place. */
import type { Place, Step } from './yaml-source.ts';

/** In the order in which a later one may name those of an earlier one. */
export const sections = [
  'scopes',
  'authorization_details_types',
  'resources',
  'clients',
  'issuers',
  'storage',
  'policies',
] as const;

export type Section = (typeof sections)[number];

/** A thing by its members, as the API has it. */
export type Thing = Readonly<Record<string, unknown>>;

export interface Entry {
  readonly value: Thing;
  /** Where a part of it is; with no steps, it itself. */
  placeOf(path: readonly Step[]): Place;
}

/** A section that no file has is undefined: of it nothing is said. */
export type Declared = { readonly [Name in Section]?: readonly Entry[] };

/** The member by which the entries of a section are told apart. */
export const idMember: Readonly<Record<Section, string>> = {
  scopes: 'name',
  authorization_details_types: 'type',
  resources: 'key',
  clients: 'client_id',
  issuers: 'key',
  storage: 'key',
  policies: 'key',
};

/** What one of a section is called. */
export const nounOf: Readonly<Record<Section, string>> = {
  scopes: 'scope',
  authorization_details_types: 'authorization details type',
  resources: 'resource',
  clients: 'client',
  issuers: 'issuer',
  storage: 'storage destination',
  policies: 'policy',
};

export function idOf(section: Section, thing: Thing): string {
  return String(thing[idMember[section]]);
}
