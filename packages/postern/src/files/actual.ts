/** What the server has of the sections that files speak of. */
import type { Policy } from '@postern/policy-api/admin-contract';
import type { Client, Page, Scope } from '@postern/server/admin-contract';
import { path } from '../connection/path.ts';
import type { ServerApi } from '../connection/server-api.ts';
import { startProgress } from '../output/progress.ts';
import { type Declared, type Entry, idOf, type Section, type Thing } from './declared.ts';
import { listPath } from './kind.ts';

/** By id. */
export type Actual = { readonly [Name in Section]: ReadonlyMap<string, Thing> };

/**
 * Nothing of the sections that no file has. Of clients, there may be a million: only those of the files, unless `all` are
 * asked for.
 */
export async function readActual(api: ServerApi, declared: Declared, all: boolean): Promise<Actual> {
  const read = async (section: Section, list: () => Promise<readonly object[]>) =>
    new Map(
      declared[section] === undefined
        ? []
        : (await list()).map((thing) => [idOf(section, thing as Thing), thing as Thing]),
    );
  const listed = (section: 'authorization_details_types' | 'resources' | 'issuers' | 'storage') =>
    read(section, () => api.listAll<object>(listPath(section)));
  return {
    scopes: await read('scopes', async () =>
      (await api.get<Scope[]>('/api/v1/oauth/scope', { view: 'full' })).filter(({ origin }) => origin === 'own'),
    ),
    authorization_details_types: await listed('authorization_details_types'),
    resources: await listed('resources'),
    clients: await read('clients', () => readClients(api, declared.clients ?? [], all)),
    issuers: await listed('issuers'),
    storage: await listed('storage'),
    policies: await read('policies', () => api.listAll<Policy>('/api/v1/policy')),
  };
}

async function readClients(api: ServerApi, wanted: readonly Entry[], all: boolean): Promise<Client[]> {
  const progress = startProgress('clients read');
  const { pages } = await api.get<Page<Client>>('/api/v1/oauth/client', { size: 100 });
  if (all || pages <= wanted.length) {
    return api.listAll<Client>('/api/v1/oauth/client', {}, progress);
  }
  const found: Client[] = [];
  for (const [index, { value }] of wanted.entries()) {
    const client = await api.find<Client>(path`/api/v1/oauth/client/${idOf('clients', value)}`);
    found.push(...(client === undefined ? [] : [client]));
    progress.report(index + 1, wanted.length);
  }
  progress.end();
  return found;
}
