/** Clients of Fides or Fidesops: rows of its table, or answers of its API, which have no digests of secrets. */
import { type Credential, objectOf, type SourceClient, textOf, textsOf } from './source-client.ts';

/** The columns of the table differ between versions, so each row is read as one object. */
export const fidesQuery = 'select to_jsonb(client) as client from client order by created_at, id';

/** Members that a version of Fides lacks are empty. Undefined if the value is not a client. */
export function readFidesClient(value: unknown): SourceClient | undefined {
  const row = objectOf(value);
  const id = textOf(row['client_id']) ?? textOf(row['id']);
  return id === null
    ? undefined
    : {
        id,
        name: textOf(row['name']),
        description: textOf(row['description']),
        scopes: textsOf(row['scopes']),
        audiences: [],
        roles: textsOf(row['roles']),
        enabled: true,
        ttlSeconds: null,
        credential: readCredential(row['hashed_secret'], row['salt']),
        skip: reasonToSkip(row['user_id'], row['fides_key']),
      };
}

/** Both are in hex: bcrypt, whose text has the salt, or, in earlier versions, SHA-512 of the secret followed by the salt. */
function readCredential(hashedSecret: unknown, salt: unknown): Credential {
  const digest = textOf(hashedSecret) ?? '';
  if (!/^([0-9a-f]{120}|[0-9a-f]{128})$/.test(digest)) {
    return { missing: digest === '' ? 'the API does not tell its digest' : 'its digest has an unknown format' };
  }
  const bytes = Buffer.from(digest, 'hex');
  return {
    client_secret_digest:
      bytes.length === 60
        ? bytes.toString('latin1')
        : `$sha512$${Buffer.from(textOf(salt) ?? '').toString('base64')}$${bytes.toString('base64')}`,
  };
}

function reasonToSkip(userId: unknown, fidesKey: unknown): string | undefined {
  if (textOf(userId) !== null) {
    return 'it is the session of a user; users do not sign in to Postern';
  }
  return fidesKey === 'admin_ui_root' ? 'Fides created it for its own pages' : undefined;
}
