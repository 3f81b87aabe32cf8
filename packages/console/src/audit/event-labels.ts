/** Labels of the kinds of events. */
import type { EventKind } from '@postern/admin';

const labels: Readonly<Record<EventKind, string>> = {
  'client.created': 'Client created',
  'client.updated': 'Client updated',
  'client.revoked': 'All tokens of a client revoked',
  'client.deleted': 'Client deleted',
  'client_document.requested': 'Approval of a client requested',
  'client_document.approved': 'Client approved by its document',
  'client_document.rejected': 'Client rejected by its document',
  'client_document.changed': 'Client document changed',
  'client_policy.saved': 'Client policy saved',
  'client_policy.deleted': 'Client policy deleted',
  'secret.created': 'Secret created',
  'secret.rehashed': 'Digest of a secret from another server replaced',
  'secret.deleted': 'Secret deleted',
  'token.revoked': 'Token revoked',
  'role.saved': 'Role saved',
  'role.deleted': 'Role deleted',
  'person.saved': 'Person or their role changed at sign-in',
  'session.started': 'Session started',
  'session.ended': 'Session ended',
  'all_tokens.revoked': 'All tokens of all clients revoked',
  'history.lost': 'Changes lost: the database was restored',
  'scope.saved': 'Scope saved',
  'scope.deleted': 'Scope deleted',
  'resource.saved': 'Resource saved',
  'resource.deleted': 'Resource deleted',
  'issuer.saved': 'Trusted issuer saved',
  'issuer.deleted': 'Trusted issuer deleted',
  'authorization_details_type.saved': 'Type of authorization details saved',
  'authorization_details_type.deleted': 'Type of authorization details deleted',
  'initial_access_token.created': 'Initial access token created',
  'initial_access_token.deleted': 'Initial access token deleted',
  'registration_access_token.rotated': 'Registration access token rotated',
  'registration_access_token.ended': 'Registration access token revoked',
  'master_key.added': 'Master key added',
  'master_key.removed': 'Master key removed',
  'key.created': 'Signing key created',
  'key.deleted': 'Signing key deleted',
  'key.revoked': 'Signing key revoked',
  'key.resumed': 'Signing key back in use',
  'stream.saved': 'Event stream saved',
  'stream.paused': 'Event stream paused: its receiver accepts nothing',
  'stream.verification_requested': 'Verification of an event stream requested',
  'stream.deleted': 'Event stream deleted',
  'root.changed': 'Root credentials changed',
  'root.disabled': 'Root client disabled',
  'root.replaced': 'Root client replaced',
  'policy.saved': 'Policy saved',
  'policy.deleted': 'Policy deleted',
  'rule.saved': 'Rule of a policy saved',
  'rule.deleted': 'Rule of a policy deleted',
  'rule_target.saved': 'Target of a rule saved',
  'rule_target.deleted': 'Target of a rule deleted',
  'storage_config.saved': 'Storage destination saved',
  'storage_config.deleted': 'Storage destination deleted',
};

/** An unknown kind, of a newer server, is shown as it is. */
export const kindLabel = (kind: string): string => (labels as Readonly<Record<string, string>>)[kind] ?? kind;

/** Options of the filter: groups of kinds, then every kind. */
export const kindFilters: readonly { readonly value: string; readonly label: string }[] = [
  { value: '', label: 'Everything' },
  { value: 'client.', label: 'Clients: all' },
  { value: 'secret.', label: 'Secrets: all' },
  { value: 'key.', label: 'Signing keys: all' },
  { value: 'issuer.', label: 'Trusted issuers: all' },
  { value: 'resource.', label: 'Resources: all' },
  { value: 'scope.', label: 'Scopes: all' },
  { value: 'policy.', label: 'Policies: all' },
  ...Object.entries(labels).map(([value, label]) => ({ value, label })),
];

/** Returns whether the subject of such events is a client. */
export const isAboutClient = (kind: string): boolean => /^(client|secret|registration_access_token)\./.test(kind);
