/** The JSON Schema of files for `postern plan` and `apply`, from the schemas of the management APIs. */
import { PolicyElement } from '../packages/policy-api/src/policies/policies-endpoint.ts';
import { RuleElement } from '../packages/policy-api/src/policies/rules-endpoint.ts';
import { TargetElement } from '../packages/policy-api/src/policies/targets-endpoint.ts';
import { StorageElement } from '../packages/policy-api/src/storage/storage-endpoint.ts';
import { allKinds } from '../packages/postern/src/files/kinds/all-kinds.ts';
import type { FileKind } from '../packages/postern/src/files/kinds/file-kind.ts';
import { TypeBody } from '../packages/server/src/authorization-details/authorization-details-types-endpoint.ts';
import { NewClientBody } from '../packages/server/src/client-administration/clients-endpoint.ts';
import { ClientPolicyBody } from '../packages/server/src/client-policies/client-policies-endpoint.ts';
import { IssuerBody } from '../packages/server/src/issuers/issuers-endpoint.ts';
import { ResourceBody } from '../packages/server/src/resources/resources-endpoint.ts';
import { RoleBody } from '../packages/server/src/roles/roles-endpoint.ts';
import { ScopeBody } from '../packages/server/src/scopes/scopes-endpoint.ts';

/** No unknown members, but for those that files have for themselves, such as anchors and notes. */
const ownMembers = { patternProperties: { '^x-': {} }, additionalProperties: false };

/** An entry with the members that a call changes, and no secrets. Only those that cannot have a default are required. */
function entry(schema: { readonly properties: object }, required: readonly string[], more: object = {}) {
  const { properties } = JSON.parse(JSON.stringify(schema)) as {
    properties: Record<string, { readOnly?: boolean; writeOnly?: boolean }>;
  };
  const members = Object.entries(properties).filter(([, { readOnly, writeOnly }]) => !readOnly && !writeOnly);
  return {
    type: 'object',
    properties: { ...Object.fromEntries(members), ...more },
    required,
    ...ownMembers,
  };
}

function section(description: string, items: object) {
  return { type: 'array', items, description };
}

const Target = entry(TargetElement, ['data_category']);

const Rule = entry(RuleElement, ['key', 'name', 'action_type'], {
  targets: section('What the rule applies to; its other targets are deleted.', Target),
});

const sections: Readonly<Record<string, object>> = {
  scopes: section('Your own scopes, without the built-in ones.', entry(ScopeBody, ['name', 'description'])),
  roles: section('Named sets of scopes for people.', entry(RoleBody, ['name'])),
  client_policies: section('What is required of clients.', entry(ClientPolicyBody, ['name'])),
  authorization_details_types: section('Types of authorization details.', entry(TypeBody, ['type', 'schema'])),
  resources: section('APIs that tokens can be for.', entry(ResourceBody, ['key', 'identifier', 'scopes'])),
  clients: section(
    'Clients, by ids of your choice. Members that are left out have their defaults.',
    entry(NewClientBody, ['client_id'], {
      client_id: { ...NewClientBody.properties.client_id, description: 'The id of the client.' },
    }),
  ),
  issuers: section('Trusted issuers of workload tokens.', entry(IssuerBody, ['key', 'issuer', 'rules'])),
  storage: section('Where the data of access rules goes.', entry(StorageElement, ['key', 'name', 'type'])),
  policies: section(
    'Privacy policies.',
    entry(PolicyElement, ['key', 'name'], {
      rules: section('Its rules; its other rules are deleted.', Rule),
    }),
  ),
};

/** Of each kind that plan and apply know. */
function sectionOf({ section: name }: FileKind): [name: string, schema: object] {
  const schema = sections[name];
  if (schema === undefined) {
    throw new Error(`scripts/file-schema.ts has no schema for the section ${name}`);
  }
  return [name, schema];
}

export const fileSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'What a Postern server should have, for postern plan and postern apply',
  type: 'object',
  properties: Object.fromEntries(allKinds.map(sectionOf)),
  ...ownMembers,
};
