/** Things of one section: how they are compared, and which calls make, change and delete them. Policies are their own. */
import { isDeepStrictEqual } from 'node:util';
import type { Operation } from '../batch/operation.ts';
import { path } from '../connection/path.ts';
import { idMember, type Section, type Thing } from './declared.ts';

export type KindSection = Exclude<Section, 'policies'>;

interface Kind {
  /** Members that are left out have these values; those without one here, null. */
  readonly defaults: Thing;
  /** Lists whose order means nothing. */
  readonly sets: readonly string[];
  readonly url: string;
  save(wanted: Thing, changed: Thing | undefined): Operation;
}

/** A member of a thing that is to become another. */
export interface MemberChange {
  readonly name: string;
  /** Undefined where there was none; undefined after where there is to be none. */
  readonly before: unknown;
  readonly after: unknown;
}

const clients = '/api/v1/oauth/client';
const put = (url: string, body: unknown): Operation => ({ method: 'PUT', path: url, body });

/** What is sent whole takes the place of what was there. */
const putWhole = (url: string) => (wanted: Thing) => put(url, wanted);

const kinds: Readonly<Record<KindSection, Kind>> = {
  scopes: {
    defaults: {},
    sets: [],
    url: '/api/v1/oauth/scope',
    save: putWhole('/api/v1/oauth/scope'),
  },
  authorization_details_types: {
    defaults: {},
    sets: [],
    url: '/api/v1/oauth/authorization-details-type',
    save: putWhole('/api/v1/oauth/authorization-details-type'),
  },
  resources: {
    defaults: { introspection_clients: [] },
    sets: ['scopes', 'introspection_clients'],
    url: '/api/v1/oauth/resource',
    save: putWhole('/api/v1/oauth/resource'),
  },
  clients: {
    defaults: {
      scopes: [],
      enabled: true,
      resources: [],
      authorization_details_types: [],
      token_endpoint_audience_allowed: false,
      dpop_bound_access_tokens: false,
      tls_client_certificate_bound_access_tokens: false,
    },
    sets: ['scopes', 'grantable_scopes', 'grant_types', 'resources', 'authorization_details_types'],
    url: clients,
    save: (wanted, changed) =>
      changed === undefined
        ? { method: 'POST', path: clients, body: wanted }
        : { method: 'PATCH', path: path`/api/v1/oauth/client/${String(wanted['client_id'])}`, body: changed },
  },
  issuers: {
    defaults: { max_age_seconds: 3_600, single_use: true },
    sets: [],
    url: '/api/v1/oauth/issuer',
    save: putWhole('/api/v1/oauth/issuer'),
  },
  storage: {
    defaults: { format: 'json' },
    sets: [],
    url: '/api/v1/storage/config',
    // This one leaves what is not sent.
    save: (wanted) => put('/api/v1/storage/config', [{ format: 'json', ...wanted, details: detailsOf(wanted) }]),
  },
};

/** Where the things of a section are listed. */
export function listPath(section: KindSection): string {
  return kinds[section].url;
}

export function saveOperation(section: KindSection, wanted: Thing, changes: readonly MemberChange[] | undefined) {
  const { defaults, save } = kinds[section];
  return save(
    wanted,
    changes && Object.fromEntries(changes.map(({ name, after }) => [name, after ?? defaults[name] ?? null])),
  );
}

export function deleteOperation(section: KindSection, id: string): Operation {
  return { method: 'DELETE', path: kinds[section].url + path`/${id}` };
}

/** The members in which what is wanted differs from what there is; of a new thing, all that are not at their defaults. */
export function compare(section: KindSection, wanted: Thing, actual: Thing | undefined): MemberChange[] {
  const [before, after] = [actual === undefined ? {} : membersOf(section, actual), membersOf(section, wanted)];
  return changesBetween(before, after);
}

export function changesBetween(before: Thing, after: Thing): MemberChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((name) => ({ name, before: before[name], after: after[name] }));
}

/** Those that are not at their defaults, in one form whatever way they are written. */
function membersOf(section: KindSection, thing: Thing): Thing {
  const { defaults, sets } = kinds[section];
  const members = Object.entries(section === 'storage' ? { ...thing, details: detailsOf(thing) } : thing)
    .filter(([name]) => name !== idMember[section] && !serverOnlyMembers.has(name))
    .map(([name, value]): [string, unknown] => [name, normalize(name, value, sets)])
    .filter(([name, value]) => value !== null && !isDeepStrictEqual(value, defaults[name]));
  return Object.fromEntries(members);
}

/** What the API tells, and files do not. */
const serverOnlyMembers = new Set(['created_at', 'updated_at', 'administrative', 'origin']);

function normalize(name: string, value: unknown, sets: readonly string[]): unknown {
  if (sets.includes(name) && Array.isArray(value)) {
    return [...new Set(value as string[])].toSorted();
  }
  if (name === 'rules' && Array.isArray(value)) {
    // The rules of issuers: no scopes are all of the client.
    return value.map(({ scopes, ...rule }) => ({
      ...rule,
      ...(scopes && { scopes: [...new Set(scopes)].toSorted() }),
    }));
  }
  return value;
}

function detailsOf({ details }: Thing): Thing {
  return { naming: 'request_id', ...(details as Thing | undefined) };
}
