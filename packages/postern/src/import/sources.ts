/** The servers whose clients can move here: where each is read, and its options. */
import type { Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import type { Example } from '../command/verb.ts';
import { parseServerUrl } from '../connection/server-url.ts';
import { readInput, readSecret } from '../input/read-input.ts';
import { readAuth0Clients } from './auth0.ts';
import { fidesQuery, readFidesClient } from './fides.ts';
import { hydraQuery, readHydraClient, readHydraClients } from './hydra.ts';
import { keycloakQuery, readKeycloakClient, readKeycloakClients } from './keycloak.ts';
import { readFromFidesApi } from './read-fides-api.ts';
import { readLinkedPages, readNumberedPages } from './read-json-api.ts';
import { objectOf, type SourceClient, textOf } from './source-client.ts';

export interface SourceOptions {
  readonly databaseUrl?: string;
  readonly file?: string[];
  readonly api?: string;
  readonly apiClientId?: string;
  readonly apiSecretFile?: string;
  readonly apiTokenFile?: string;
  readonly realm?: string;
  readonly only?: string[];
}

type Place = 'databaseUrl' | 'file' | 'api';

export interface Source {
  /** The word of the command. */
  readonly name: string;
  readonly title: string;
  /** Whether the built-in scopes of Postern mean the same there. */
  readonly sharesScopes?: true;
  readonly summary: string;
  readonly examples: readonly Example[];
  readonly options: (command: Command) => Command;
  /** The ways to read its clients, of which exactly one is named. Each throws `CommandError`. */
  readonly places: Partial<Record<Place, (options: SourceOptions) => Promise<SourceClient[]>>>;
}

const databaseOption = 'URL of its PostgreSQL database, without the password, which is in PGPASSWORD';
const tokenOption = 'with --api: file with an access token for it, - for standard input';

export const sources: readonly Source[] = [
  {
    name: 'fides',
    title: 'Fides',
    sharesScopes: true,
    summary: 'Import the clients of Fides or Fidesops, from its database or its API.',
    examples: [
      [
        'import fides --database-url postgres://fides@db.example.com/fides --dry-run',
        'show what would be imported; PGPASSWORD is set',
      ],
      [
        'import fides --database-url postgres://fides@db.example.com/fides --register-scopes',
        'all clients with their secrets, and the scopes that Postern does not have',
      ],
      [
        'import fides --api https://fides.example.com --api-client-id fidesadmin --api-secret-file fides.secret --dry-run',
        'through its API, which does not tell digests of secrets',
      ],
    ],
    options: (command) =>
      command
        .option('--database-url <url>', databaseOption)
        .option('--api <url>', 'base URL of Fides, to read from its API')
        .option('--api-client-id <id>', 'with --api: client of Fides with client:read, such as its root client')
        .option('--api-secret-file <file>', 'with --api: file with the secret of that client, - for standard input'),
    places: {
      databaseUrl: async ({ databaseUrl }) =>
        (await readDatabase(databaseUrl, fidesQuery, 'Fides')).flatMap((row) => readFidesClient(row) ?? []),
      api: async ({ api, apiClientId, apiSecretFile, only = [] }) => {
        if (apiClientId === undefined || apiSecretFile === undefined) {
          throw usageError('--api needs --api-client-id and --api-secret-file, to sign in to Fides.');
        }
        const url = parseServerUrl(api as string, process.env);
        return readFromFidesApi({ url, clientId: apiClientId, clientSecret: await readSecret(apiSecretFile) }, only);
      },
    },
  },
  {
    name: 'hydra',
    title: 'Ory Hydra',
    summary: 'Import the machine clients of Ory Hydra, from its database, its admin API or a file.',
    examples: [
      [
        'import hydra --database-url postgres://hydra@db.example.com/hydra --register-scopes --register-resources',
        'all clients with their secrets, and the scopes and audiences that Postern does not have',
      ],
      ['import hydra --api http://localhost:4445 --dry-run', 'through its admin API, which does not tell secrets'],
      ['import hydra --file hydra.json --secrets-out secrets.json', 'from what its admin API answered'],
    ],
    options: (command) =>
      command
        .option('--database-url <url>', databaseOption)
        .option('--api <url>', 'base URL of its admin API')
        .option('--file <file>', 'answer of its admin API, - for standard input; repeatable', collectFiles),
    places: {
      databaseUrl: async ({ databaseUrl }) =>
        (await readDatabase(databaseUrl, hydraQuery, 'Ory Hydra')).flatMap((row) => readHydraClient(row) ?? []),
      api: async ({ api }) =>
        readHydraClients(
          await readLinkedPages(
            { url: parseServerUrl(api as string, process.env), token: undefined },
            '/admin/clients',
          ),
        ),
      file: async ({ file }) => (await readFiles(file)).flatMap(readHydraClients),
    },
  },
  {
    name: 'keycloak',
    title: 'Keycloak',
    summary: 'Import the service accounts of a Keycloak realm, from an export, its database or its admin API.',
    examples: [
      [
        'import keycloak --file realm.json --register-scopes --dry-run',
        'show what would be imported from an export of the realm, or from kcadm.sh get clients',
      ],
      [
        'import keycloak --database-url postgres://keycloak@db.example.com/keycloak --realm main --register-scopes',
        'all service accounts of a realm, with their secrets',
      ],
      [
        'import keycloak --api https://id.example.com/admin/realms/main --api-token-file admin.token --dry-run',
        'through its admin API',
      ],
    ],
    options: (command) =>
      command
        .option(
          '--file <file>',
          'export of the realm, or list of clients, - for standard input; repeatable',
          collectFiles,
        )
        .option('--database-url <url>', databaseOption)
        .option('--realm <name>', 'with --database-url: the realm; required if there are several')
        .option('--api <url>', 'URL of the realm in its admin API: https://HOST/admin/realms/NAME')
        .option('--api-token-file <file>', tokenOption),
    places: {
      file: async ({ file }) => (await readFiles(file)).flatMap(readKeycloakClients),
      databaseUrl: async ({ databaseUrl, realm }) =>
        ofRealm(await readDatabase(databaseUrl, keycloakQuery, 'Keycloak'), realm).flatMap(
          (row) => readKeycloakClient(row) ?? [],
        ),
      api: async (options) =>
        readKeycloakClients(
          await readNumberedPages(await apiOf(options), (page, size) => `/clients?first=${page * size}&max=${size}`),
        ),
    },
  },
  {
    name: 'auth0',
    title: 'Auth0',
    summary: 'Import the machine-to-machine applications of Auth0, from its Management API or a file.',
    examples: [
      [
        'import auth0 --file clients.json --file client-grants.json --register-scopes --register-resources',
        'from what /api/v2/clients and /api/v2/client-grants answered',
      ],
      [
        'import auth0 --api https://example.eu.auth0.com --api-token-file management.token --dry-run',
        'through its Management API; the token has read:clients, read:client_keys and read:client_grants',
      ],
    ],
    options: (command) =>
      command
        .option('--file <file>', 'clients or client grants, - for standard input; repeatable', collectFiles)
        .option('--api <url>', 'base URL of the tenant')
        .option('--api-token-file <file>', tokenOption),
    places: {
      file: async ({ file }) => readAuth0Clients(await readFiles(file)),
      api: async (options) => {
        const api = await apiOf(options);
        const list = (name: string) =>
          readNumberedPages(api, (page, size) => `/api/v2/${name}?page=${page}&per_page=${size}`);
        return readAuth0Clients([await list('clients'), await list('client-grants')]);
      },
    },
  },
];

function collectFiles(file: string, files: readonly string[] = []): string[] {
  return [...files, file];
}

/** The database driver is loaded only if it is needed. */
async function readDatabase(url: string | undefined, query: string, title: string): Promise<unknown[]> {
  const { readFromDatabase } = await import('./read-postgres.ts');
  return readFromDatabase(url as string, query, title);
}

async function readFiles(files: readonly string[] = []): Promise<unknown[]> {
  const read = async (file: string): Promise<unknown> => {
    const text = await readInput(file);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // The message of the parser would repeat what the file has, such as secrets.
      throw usageError(`${file === '-' ? 'standard input' : file} is not JSON.`);
    }
  };
  return Promise.all(files.map(read));
}

async function apiOf({ api, apiTokenFile }: SourceOptions) {
  if (apiTokenFile === undefined) {
    throw usageError('--api needs --api-token-file, a file with an access token for it.');
  }
  return { url: parseServerUrl(api as string, process.env), token: await readSecret(apiTokenFile) };
}

/** The rows of the realm. Throws `CommandError` if there are several realms and none is named. */
function ofRealm(rows: readonly unknown[], realm: string | undefined): unknown[] {
  const nameOf = (row: unknown) => textOf(objectOf(row)['realm']);
  const names = [...new Set(rows.map(nameOf))];
  if (realm === undefined && names.length > 1) {
    throw usageError(`there are several realms: name one by --realm. They are ${names.join(', ')}.`);
  }
  if (realm !== undefined && !names.includes(realm)) {
    throw usageError(`there is no realm ${realm}. There are ${names.join(', ') || 'none'}.`);
  }
  return rows.filter((row) => realm === undefined || nameOf(row) === realm);
}
