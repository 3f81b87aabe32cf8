/** Every kind of entry that files can have. Entries may refer to those of kinds above their own. */
import { authorizationDetailsTypeKind } from './authorization-details-type.ts';
import { clientKind } from './client.ts';
import { clientPolicyKind } from './client-policy.ts';
import type { FileKind } from './file-kind.ts';
import { issuerKind } from './issuer.ts';
import { policyKind } from './policy.ts';
import { resourceKind } from './resource.ts';
import { roleKind } from './role.ts';
import { scopeKind } from './scope.ts';
import { storageKind } from './storage.ts';

export const allKinds: readonly FileKind[] = [
  scopeKind,
  roleKind,
  clientPolicyKind,
  authorizationDetailsTypeKind,
  resourceKind,
  clientKind,
  issuerKind,
  storageKind,
  policyKind,
];
