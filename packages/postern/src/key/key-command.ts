/** `postern key`: the keys that sign access tokens. */
import { type Change, type KeyRotation, operations, type SigningKey } from '@postern/admin';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { findId, unlessRefused } from '../connection/find-id.ts';
import type { ServerConnection } from '../connection/server-connection.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { print } from '../output/output.ts';
import { formatTable } from '../output/table.ts';

export function keyCommand(): Command {
  return verbGroup('key', 'See, rotate, delete and revoke the keys that sign access tokens.', [
    serverVerb('list', 'List the signing keys, oldest first.', [
      ['key list', 'which key signs, and which comes next'],
    ]).action(list),
    serverVerb('rotate', 'Create the next signing key. It signs an hour later by default, when every API has it.', [
      ['key rotate', 'for the algorithm that the server is set to'],
      ['key rotate --alg RS256', 'for another algorithm that is in use'],
    ])
      .option('--alg <alg>', 'ES256, EdDSA, RS256 or PS256')
      .action(rotate),
    endVerb('delete', 'Delete a key that has not signed yet: the one before it continues.', operations.keys.delete, {
      consequence: (kid) => `This deletes the signing key ${kid}.`,
      done: 'deleted',
    }),
    endVerb(
      'revoke',
      'Revoke a key that has leaked, with all tokens that it signed. Another one signs at once.',
      operations.keys.revoke,
      {
        consequence: (kid) =>
          `This revokes the signing key ${kid}, all tokens that it signed, and those that were exchanged for them.`,
        done: 'revoked',
      },
    ),
  ]);
}

async function list(_options: unknown, command: Command): Promise<void> {
  const { admin } = await connect(command);
  print(command, await admin.all(operations.keys.list()), formatKeys);
}

async function rotate(_options: unknown, command: Command): Promise<void> {
  const { alg } = command.opts<KeyRotation>();
  const { admin } = await connect(command);
  const key = await admin.keys.rotate(alg === undefined ? {} : { alg });
  print(command, key, () => formatKeys([key]));
}

/** A verb that ends a key. */
function endVerb(
  name: string,
  description: string,
  operation: (kid: string) => Change<void>,
  { consequence, done }: { readonly consequence: (kid: string) => string; readonly done: string },
): Command {
  return serverVerb(name, description, [
    [`key ${name} WU3Xnw8quAnqvJ4vsdjrs22CL6wQ5gx9lQD2Asz7Go8`, 'after a look at: postern key list'],
  ])
    .argument('<kid>', 'id of the key, or its beginning')
    .option('--yes', 'do not ask')
    .action(async (text: string, { yes }: { yes?: true }, command: Command) => {
      const connection = await connect(command);
      const kid = await findId(command, connection, { noun: 'signing key', find: findKids }, text);
      await confirm(consequence(kid), yes);
      await connection.admin.send(operation(kid));
      print(command, { kid, [done]: true }, () => `Signing key ${kid} ${done}.\n`);
    });
}

/** Nobody types a whole thumbprint. */
const leastKidLength = 4;

async function findKids({ admin }: ServerConnection, text: string): Promise<string[]> {
  const all = (await unlessRefused(() => admin.all(operations.keys.list()))) ?? [];
  const kids = all.map(({ kid }) => kid);
  return kids.includes(text) || text.length < leastKidLength ? [] : kids.filter((kid) => kid.startsWith(text));
}

function formatKeys(all: readonly SigningKey[]): string {
  return formatTable(
    ['key id', 'algorithm', 'status', 'signs from', 'signs until', 'verifies until'],
    all.map((key) => [key.kid, key.alg, key.status, key.signs_from, key.signs_until, key.verifies_until]),
  );
}
