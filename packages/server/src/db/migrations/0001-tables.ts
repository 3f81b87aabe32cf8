/** All tables of the server, as they are before the first release. */
import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';

/** The tables that start with a row in them. */
interface Tables {
  event_head: { log_id: string; sequence: number; hash: string };
  own_scopes_version: { version: string };
}

export async function up(db: Kysely<Tables>): Promise<void> {
  /** Finds the records of another table that name a client. */
  const createClientIndex = async (table: string, column: string, references: string) => {
    await db.schema
      .createTable(table)
      .addColumn('client_id', 'text', (column) => column.notNull())
      .addColumn(column, 'text', (column) => column.notNull().references(references).onDelete('cascade'))
      .addPrimaryKeyConstraint(`${table}_key`, ['client_id', column])
      .execute();
    await db.schema.createIndex(`${table}_by_${column}`).on(table).column(column).execute();
  };

  await db.schema
    .createTable('clients')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text')
    .addColumn('description', 'text')
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('grantable_scopes', 'text')
    .addColumn('enabled', 'integer', (column) => column.notNull())
    .addColumn('access_token_ttl_seconds', 'integer')
    .addColumn('expires_at', 'text')
    .addColumn('generation', 'bigint', (column) => column.notNull())
    .addColumn('metadata', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .addColumn('search_text', 'text', (column) => column.notNull())
    .addColumn('sort_name', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('clients_by_age').on('clients').columns(['created_at', 'id']).execute();
  await db.schema.createIndex('clients_by_name').on('clients').columns(['sort_name', 'id']).execute();
  await db.schema.createIndex('clients_by_enabled').on('clients').column('enabled').execute();
  await db.schema.createIndex('clients_by_expiry').on('clients').column('expires_at').execute();

  await db.schema
    .createTable('client_secrets')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('client_id', 'text', (column) => column.notNull().references('clients.id').onDelete('cascade'))
    .addColumn('digest', 'text')
    .addColumn('imported_form', 'text')
    .addColumn('imported_digest', 'text')
    .addColumn('last_four', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text')
    .addColumn('last_used_at', 'text')
    .execute();
  await db.schema.createIndex('client_secrets_by_client').on('client_secrets').column('client_id').execute();
  await db.schema
    .createIndex('client_secrets_by_imported_form')
    .on('client_secrets')
    .column('imported_form')
    .where('imported_form', 'is not', null)
    .execute();

  await db.schema
    .createTable('master_keys')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('sealed_root_secret', 'text', (column) => column.notNull())
    .addColumn('added_at', 'text', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('signing_keys')
    .addColumn('kid', 'text', (column) => column.primaryKey())
    .addColumn('alg', 'text', (column) => column.notNull())
    .addColumn('sealed_private_key', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('signs_from', 'text', (column) => column.notNull())
    .addColumn('signs_until', 'text')
    .addColumn('longest_ttl_seconds', 'integer', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('resources')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('identifier', 'text', (column) => column.notNull().unique())
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('access_token_ttl_seconds', 'integer')
    .addColumn('signing_alg', 'text')
    .addColumn('access_token_typ', 'text', (column) => column.notNull())
    .addColumn('introspection_clients', 'text', (column) => column.notNull())
    .execute();

  await createClientIndex('resource_clients', 'resource_key', 'resources.key');

  await db.schema
    .createTable('revoked_tokens')
    .addColumn('jti', 'text', (column) => column.primaryKey())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('generation', 'bigint')
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('revoked_tokens_by_client').on('revoked_tokens').column('client_id').execute();
  await db.schema.createIndex('revoked_tokens_by_expiry').on('revoked_tokens').column('expires_at').execute();
  await db.schema.createIndex('revoked_tokens_by_generation').on('revoked_tokens').column('generation').execute();

  await db.schema
    .createTable('used_tokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('used_tokens_by_expiry').on('used_tokens').column('expires_at').execute();

  await db.schema
    .createTable('events')
    .addColumn('sequence', 'integer', (column) => column.primaryKey())
    .addColumn('occurred_at', 'text', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('thing', 'text')
    .addColumn('data', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('mac', 'text', (column) => column.notNull())
    .execute();
  // The time lets a node that starts skip what is too old to matter, without reading it.
  await db.schema.createIndex('events_by_kind').on('events').columns(['kind', 'sequence', 'occurred_at']).execute();
  await db.schema.createIndex('events_by_time').on('events').columns(['occurred_at', 'sequence']).execute();
  // The audit trail is read by any of its filters and by any two of them, in the order of the log.
  for (const columns of [
    ...[['subject'], ['thing'], ['actor']],
    ...[
      ['actor', 'kind'],
      ['subject', 'kind'],
      ['subject', 'actor'],
    ],
  ]) {
    const name = `events_by_${columns.join('_')}`;
    await db.schema
      .createIndex(name)
      .on('events')
      .columns([...columns, 'sequence'])
      .execute();
  }

  await db.schema
    .createTable('event_head')
    .addColumn('log_id', 'text', (column) => column.notNull())
    .addColumn('sequence', 'integer', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .execute();
  const logId = randomBytes(16).toString('base64url');
  await db.insertInto('event_head').values({ log_id: logId, sequence: 0, hash: logId }).execute();

  await db.schema
    .createTable('own_scopes')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('description', 'text', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('own_scopes_version')
    .addColumn('version', 'text', (column) => column.notNull())
    .execute();
  await db
    .insertInto('own_scopes_version')
    .values({ version: randomBytes(16).toString('base64url') })
    .execute();

  await db.schema
    .createTable('trusted_issuers')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('issuer', 'text', (column) => column.notNull().unique())
    .addColumn('jwks', 'text')
    .addColumn('jwks_uri', 'text')
    .addColumn('audience', 'text')
    .addColumn('max_age_seconds', 'integer', (column) => column.notNull())
    .addColumn('single_use', 'integer', (column) => column.notNull())
    .addColumn('rules', 'text', (column) => column.notNull())
    .execute();

  await createClientIndex('issuer_clients', 'issuer_key', 'trusted_issuers.key');

  await db.schema
    .createTable('authorization_details_types')
    .addColumn('type', 'text', (column) => column.primaryKey())
    .addColumn('description', 'text')
    .addColumn('schema', 'text', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('client_policies')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('policy', 'text', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('client_documents')
    .addColumn('client_id', 'text', (column) => column.primaryKey())
    .addColumn('host', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('document', 'text', (column) => column.notNull())
    .addColumn('approved', 'text')
    .addColumn('requested_at', 'text', (column) => column.notNull())
    .addColumn('changed_at', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text')
    .execute();

  await db.schema
    .createTable('initial_access_tokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text')
    .addColumn('digest', 'text', (column) => column.notNull().unique())
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('resources', 'text', (column) => column.notNull())
    .addColumn('max_uses', 'integer', (column) => column.notNull())
    .addColumn('uses', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('registrations')
    .addColumn('client_id', 'text', (column) => column.primaryKey().references('clients.id').onDelete('cascade'))
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('limits', 'text', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('client_usage')
    .addColumn('client_id', 'text', (column) => column.primaryKey().references('clients.id').onDelete('cascade'))
    .addColumn('tokens_issued', 'bigint', (column) => column.notNull())
    .addColumn('last_issued_at', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('client_usage_by_age')
    .on('client_usage')
    .columns(['last_issued_at', 'client_id'])
    .execute();

  // Goes by way of the table above, whose row is locked first when counts are written: else that and the deletion of
  // the client could wait for each other.
  await db.schema
    .createTable('scope_usage')
    .addColumn('client_id', 'text', (column) =>
      column.notNull().references('client_usage.client_id').onDelete('cascade'),
    )
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('tokens_issued', 'bigint', (column) => column.notNull())
    .addColumn('last_issued_at', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('scope_usage_key', ['client_id', 'scope'])
    .execute();

  await db.schema
    .createTable('token_descendants')
    .addColumn('jti', 'text', (column) => column.notNull())
    .addColumn('ancestor_client_id', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('resource', 'text', (column) => column.notNull())
    .addColumn('tokens_issued', 'bigint', (column) => column.notNull())
    .addColumn('tokens_below_client', 'bigint', (column) => column.notNull())
    .addColumn('last_expires_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('token_descendants_key', ['jti', 'client_id', 'resource'])
    .execute();
  await db.schema
    .createIndex('token_descendants_by_client')
    .on('token_descendants')
    .columns(['ancestor_client_id', 'last_expires_at'])
    .execute();
  await db.schema
    .createIndex('token_descendants_by_expiry')
    .on('token_descendants')
    .column('last_expires_at')
    .execute();

  await db.schema
    .createTable('token_statistics')
    .addColumn('hour', 'integer', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('requests', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('token_statistics_key', ['hour', 'outcome'])
    .execute();

  await db.schema
    .createTable('token_failures')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('client_id', 'text')
    .addColumn('address', 'text')
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('requests', 'bigint', (column) => column.notNull())
    .addColumn('since', 'text', (column) => column.notNull())
    .addColumn('last_at', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('token_failures_by_age').on('token_failures').columns(['last_at', 'key']).execute();
  await db.schema
    .createIndex('token_failures_by_client')
    .on('token_failures')
    .columns(['client_id', 'last_at'])
    .execute();

  await db.schema
    .createTable('kept_answers')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('request', 'text', (column) => column.notNull())
    .addColumn('answer', 'text', (column) => column.notNull())
    .addColumn('bytes', 'integer', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('kept_answers_by_client').on('kept_answers').columns(['client_id', 'bytes']).execute();
  await db.schema.createIndex('kept_answers_by_expiry').on('kept_answers').column('expires_at').execute();

  await db.schema
    .createTable('period_counters')
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('ends_at', 'bigint', (column) => column.notNull())
    .addColumn('node', 'text', (column) => column.notNull())
    .addColumn('count', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('period_counters_key', ['ends_at', 'key', 'node'])
    .execute();

  await db.schema
    .createTable('sessions')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('digest', 'text', (column) => column.notNull().unique())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('generation', 'bigint', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .addColumn('ends_at', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('sessions_by_client').on('sessions').columns(['client_id', 'created_at']).execute();
  await db.schema.createIndex('sessions_by_expiry').on('sessions').column('expires_at').execute();

  await db.schema
    .createTable('session_codes')
    .addColumn('digest', 'text', (column) => column.primaryKey())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('generation', 'bigint', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('parent_id', 'text')
    .addColumn('challenge', 'text')
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('session_codes_by_expiry').on('session_codes').column('expires_at').execute();

  await db.schema
    .createTable('roles')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('grantable_scopes', 'text')
    .execute();

  await db.schema
    .createTable('people')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('issuer', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('email', 'text')
    .addColumn('role', 'text')
    .addColumn('first_signed_in_at', 'text', (column) => column.notNull())
    .addColumn('last_signed_in_at', 'text', (column) => column.notNull())
    .addUniqueConstraint('people_by_subject', ['issuer', 'subject'])
    .execute();
  await db.schema.createIndex('people_by_first_sign_in').on('people').columns(['first_signed_in_at', 'id']).execute();
  await db.schema.createIndex('people_by_last_sign_in').on('people').column('last_signed_in_at').execute();

  await db.schema
    .createTable('streams')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('method', 'text', (column) => column.notNull())
    .addColumn('endpoint_url', 'text')
    .addColumn('authorization_header', 'text')
    .addColumn('events_requested', 'text')
    .addColumn('description', 'text')
    .addColumn('default_subjects', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('received', 'text', (column) => column.notNull())
    .addColumn('fault', 'text')
    .execute();
  await db.schema.createIndex('streams_by_client').on('streams').columns(['client_id', 'created_at']).execute();

  await db.schema
    .createTable('stream_subjects')
    .addColumn('stream_id', 'text', (column) => column.notNull().references('streams.id').onDelete('cascade'))
    .addColumn('subject', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('stream_subjects_key', ['stream_id', 'subject'])
    .execute();

  await db.schema
    .createTable('push_lease')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('holder', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();

  // One row, which each node writes now and then to find out whether it can.
  await db.schema
    .createTable('heartbeat')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('written_at', 'text', (column) => column.notNull())
    .execute();
}
