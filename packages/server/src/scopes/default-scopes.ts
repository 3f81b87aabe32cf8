/** The built-in scopes: those of Fidesops in its order, then Postern's own. Users add more. */

export interface Scope {
  readonly name: string;
  readonly description: string;
  /** It lets its holder administer Postern itself; only root and clients with it in their `grantable_scopes` can assign it. */
  readonly administrative: boolean;
  /** Built-in scopes cannot be changed. */
  readonly origin: 'built-in' | 'own';
}

const builtIn = { origin: 'built-in' } as const;
const ordinary = (name: string, description: string): Scope => ({
  name,
  description,
  administrative: false,
  ...builtIn,
});
const administrative = (name: string, description: string): Scope => ({
  name,
  description,
  administrative: true,
  ...builtIn,
});

export const defaultScopes: readonly Scope[] = [
  administrative('client:create', 'Create clients and assign scopes to them'),
  administrative('client:update', 'Change clients, their scopes and their secrets'),
  administrative('client:read', 'List clients and read their settings and scopes'),
  administrative('client:delete', 'Delete clients, which revokes their tokens'),
  ordinary('config:read', 'Read the configuration of the privacy application'),
  ordinary('connection:read', 'List and read connections to data stores'),
  ordinary('connection:create_or_update', 'Create and change connections to data stores'),
  ordinary('connection:delete', 'Delete connections to data stores'),
  ordinary('connection:authorize', 'Complete the authorization of a connection at its provider'),
  ordinary('connection:instantiate', 'Create a connection from a template'),
  ordinary('consent:read', 'Read the consent that people gave'),
  ordinary('connection_type:read', 'List the types of connection there are'),
  ordinary('dataset:create_or_update', 'Create and change descriptions of datasets'),
  ordinary('dataset:delete', 'Delete descriptions of datasets'),
  ordinary('dataset:read', 'List and read descriptions of datasets'),
  ordinary('encryption:exec', 'Encrypt and decrypt values'),
  ordinary('policy:create_or_update', 'Create and change policies'),
  ordinary('policy:read', 'List and read policies'),
  ordinary('policy:delete', 'Delete policies'),
  ordinary('privacy-request:review', 'Approve and deny privacy requests'),
  ordinary('privacy-request:read', 'List privacy requests and follow their progress'),
  ordinary('privacy-request:delete', 'Delete privacy requests'),
  ordinary('privacy-request:resume', 'Resume privacy requests that wait or failed'),
  ordinary('privacy-request:upload_data', 'Add data to a privacy request by hand'),
  ordinary('privacy-request:view_data', 'See the data that a privacy request gathered'),
  ordinary('rule:create_or_update', 'Create and change the rules of a policy and their targets'),
  ordinary('rule:read', 'List and read the rules of a policy'),
  ordinary('rule:delete', 'Delete the rules of a policy and their targets'),
  ordinary('scope:read', 'List the scopes there are'),
  ordinary('storage:create_or_update', 'Create and change storage destinations'),
  ordinary('storage:delete', 'Delete storage destinations'),
  ordinary('storage:read', 'List and read storage destinations'),
  ordinary('email:create_or_update', 'Create and change e-mail settings'),
  ordinary('email:delete', 'Delete e-mail settings'),
  ordinary('email:read', 'Read e-mail settings'),
  ordinary('webhook:create_or_update', 'Create and change webhooks of a policy'),
  ordinary('webhook:read', 'List and read webhooks of a policy'),
  ordinary('webhook:delete', 'Delete webhooks of a policy'),
  ordinary('saas_config:create_or_update', 'Create and change configurations of SaaS connectors'),
  ordinary('saas_config:read', 'Read configurations of SaaS connectors'),
  ordinary('saas_config:delete', 'Delete configurations of SaaS connectors'),
  ordinary('user:create', 'Create user accounts'),
  ordinary('user:update', 'Change user accounts'),
  ordinary('user:read', 'List and read user accounts'),
  ordinary('user:reset-password', 'Reset the passwords of users'),
  ordinary('user:delete', 'Delete user accounts'),
  ordinary('user-permission:create', 'Give permissions to users'),
  ordinary('user-permission:update', 'Change the permissions of users'),
  ordinary('user-permission:read', 'Read the permissions of users'),
  administrative('scope:create_or_update', 'Add scopes and change the descriptions of those that were added'),
  administrative('scope:delete', 'Delete scopes that were added'),
  administrative('resource:read', 'List and read the resources that tokens can be for'),
  administrative('resource:create_or_update', 'Create and change resources'),
  administrative('resource:delete', 'Delete resources'),
  administrative('issuer:read', 'List and read the trusted issuers of tokens of workloads and people, and their rules'),
  administrative('issuer:create_or_update', 'Create and change trusted issuers and their rules'),
  administrative('issuer:delete', 'Delete trusted issuers, which revokes the tokens of the clients in their rules'),
  administrative('authorization_details_type:read', 'List and read the types of authorization details'),
  administrative('authorization_details_type:create_or_update', 'Create and change types of authorization details'),
  administrative('authorization_details_type:delete', 'Delete types of authorization details'),
  administrative('revocation:read', 'Stream token revocations'),
  administrative('ssf.read', 'Read and poll event streams of its own (Shared Signals)'),
  administrative('ssf.manage', 'Create, change and delete event streams of its own (Shared Signals)'),
  administrative('stream:read', 'List the event streams of all receivers'),
  administrative('stream:delete', 'Delete the event streams of any receiver'),
  administrative('token:revoke', 'Revoke the tokens of any client'),
  administrative('initial_access_token:create', 'Create initial access tokens, with which clients are registered'),
  administrative('initial_access_token:read', 'List initial access tokens and their use'),
  administrative('initial_access_token:delete', 'Delete initial access tokens'),
  administrative(
    'client_document:read',
    'List the client ID metadata documents of clients, and of those that wait for approval',
  ),
  administrative(
    'client_document:approve',
    'Approve, with client:create, and reject clients that are known by their client ID metadata documents',
  ),
  administrative('audit:read', 'Read the audit trail, and how many tokens were issued and denied'),
  administrative('key:read', 'List the signing keys and their schedule'),
  administrative('key:rotate', 'Rotate the signing keys'),
  administrative('key:delete', 'Delete a signing key that has not signed yet'),
  administrative('key:revoke', 'Revoke a signing key with all tokens that it signed'),
  administrative('client_policy:read', 'List and read the client policies'),
  administrative('client_policy:create_or_update', 'Create and change client policies'),
  administrative('client_policy:delete', 'Delete client policies'),
  administrative('role:read', 'List and read the roles that people can have'),
  administrative('role:create_or_update', 'Create and change roles of your own'),
  administrative('role:delete', 'Delete roles of your own'),
  administrative('person:read', 'List the people who sign in, with their roles and sessions'),
  administrative('client:choose_id', 'Choose the id of a client that is created, including the id of a deleted client'),
  administrative(
    'client:choose_secret',
    'Choose the secret of a client, or bring the digest that another server has of it',
  ),
  administrative('batch:apply', 'Make many changes at once; each requires its own scope in addition'),
];

/**
 * The names of what Postern's own APIs know. Users add thousands of scopes: who holds every scope there is has the others in a
 * token for these APIs only if the request names them.
 */
export const builtInScopeNames: ReadonlySet<string> = new Set(defaultScopes.map(({ name }) => name));
