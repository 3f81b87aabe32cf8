/** `postern client-document`: clients that are known by the metadata document at their id. draft-ietf-oauth-client-id-metadata-document-03. */
import { type ClientDocument, operations, withDefaultResource } from '@postern/admin';
import type { Command } from 'commander';
import { readClientBody, withClientIds, withClientOptions } from '../client/client-options.ts';
import { verbGroup } from '../command/verb.ts';
import { connectTo, listVerb, type ShownThing, showVerb, thingVerb } from '../connection/thing-verbs.ts';
import { print } from '../output/output.ts';
import { formatRecord } from '../output/table.ts';

const document: ShownThing<ClientDocument> = {
  group: 'client-document',
  noun: 'client',
  id: 'client_id',
  example: 'https://partner.example/agent.json',
  operations: operations.clientDocuments,
  several: 'documents',
  none: 'No client has a metadata document.',
  columns: ['client id', 'name', 'status', 'requested', 'changed since approval'],
  row: (one) => [one.client_id, one.client_name, one.status, one.requested_at, one.changed_members],
  format: formatDocument,
};

export function clientDocumentCommand(): Command {
  return verbGroup('client-document', 'Approve or reject clients that publish a client ID metadata document.', [
    listVerb(document, 'List what the documents of clients said last, the oldest request first.'),
    showVerb(
      document,
      'Show what the document of a client said last.',
      'its name, its keys, and what has changed since it was approved',
    ),
    withClientOptions(
      thingVerb(document, 'approve', 'Create the client that waits for approval, whose keys are in its document.', [
        ['--scope invoice:read', 'it may get tokens with that scope'],
      ]),
    ).action(approve),
    thingVerb(document, 'reject', 'Reject a client that waits for approval, for 30 days.', [
      ['', 'it waits no longer'],
    ]).action(async (text: string, _options: unknown, command: Command) => {
      const { admin, id } = await connectTo(document, text, command);
      print(command, await admin.clientDocuments.reject(id), () => `Client ${id} rejected.\n`);
    }),
  ]);
}

async function approve(text: string, _options: unknown, command: Command): Promise<void> {
  const connection = await connectTo(document, text, command);
  const { client_name: name } = await connection.admin.clientDocuments.get(connection.id);
  const body = {
    name,
    ...(await readClientBody(command)),
    client_id: connection.id,
    token_endpoint_auth_method: 'private_key_jwt',
    client_id_metadata_document: true,
  } as const;
  const created = await connection.admin.clients.create(
    withDefaultResource(await withClientIds(command, connection, body)),
  );
  print(command, created, ({ client_id }) => `Client ${client_id} approved.\n`);
}

function formatDocument(one: ClientDocument): string {
  return formatRecord([
    ['client id', one.client_id],
    ['status', one.status],
    ['name', one.client_name],
    ['web page', one.client_uri],
    ['contacts', one.contacts],
    ['keys at', one.jwks_uri ?? 'in the document'],
    ['keys', one.keys],
    ['changed since approval', one.changed_members],
    ['requested', one.requested_at],
    ['changed', one.changed_at],
    ['expires', one.expires_at ?? 'never'],
  ]);
}
