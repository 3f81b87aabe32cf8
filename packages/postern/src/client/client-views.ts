/** Formats clients and their secrets for people. */
import type { Client, ClientSecret, ListedClient } from '@postern/admin';
import { type Cell, formatRecord, formatTable } from '../output/table.ts';

export function formatClients(clients: readonly ListedClient[]): string {
  return formatTable(
    ['client id', 'name', 'enabled', 'scopes', 'last token', 'created'],
    clients.map((client) => [
      client.client_id,
      client.name,
      client.enabled,
      client.scopes.length,
      client.last_issued_at ?? 'never',
      client.created_at,
    ]),
  );
}

/** Shows every member of the client; those of the RFCs by their registered name. */
export function formatClient(client: Client, secrets: readonly ClientSecret[] = []): string {
  const { client_id, name, description, scopes, grantable_scopes, enabled, access_token_ttl_seconds, ...rest } = client;
  const { expires_at, created_at, updated_at, ...metadata } = rest;
  const record = formatRecord([
    ['client id', client_id],
    ['name', name],
    ['description', description],
    ['enabled', enabled],
    ['scopes', scopes],
    ['may assign', grantable_scopes ?? 'the default'],
    ['token lifetime', access_token_ttl_seconds === null ? 'the default' : `${access_token_ttl_seconds} s`],
    ['expires', expires_at ?? 'never'],
    ...Object.entries(metadata).map(([member, value]): [string, Cell] => [member, toCell(value)]),
    ['created', created_at],
    ['updated', updated_at],
  ]);
  return secrets.length === 0 ? record : `${record}\n${formatSecrets(secrets)}`;
}

function formatSecrets(secrets: readonly ClientSecret[]): string {
  return formatTable(
    ['secret id', 'ends in', 'created', 'expires', 'last used', 'use'],
    secrets.map((secret) => [
      secret.secret_id,
      secret.last_four ?? 'unknown',
      secret.created_at,
      secret.expires_at ?? 'never',
      secret.last_used_at ?? 'never',
      secret.use.replaceAll('_', ' '),
    ]),
  );
}

function toCell(value: unknown): Cell {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null || value === undefined) {
    return value;
  }
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : JSON.stringify(value);
}
