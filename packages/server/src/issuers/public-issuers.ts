/**
 * Issuers that sign tokens for everybody in the world: one key set, many tenants. A rule for one of them must say which
 * tenant it means, by a claim that only the tenant's own workloads get.
 */

/** For a claim, what the text in a rule must look like to name one tenant: that part of it holds no `*`. */
export type TenantClaims = Readonly<Record<string, RegExp>>;

/** Text without `*` that is not empty. */
const exact = /^[^*]+$/;
/** The first of several segments is written out. */
const firstSegment = /^[^*:/]+(\/|$)/;

const tenantClaims: Readonly<Record<string, TenantClaims>> = {
  'https://token.actions.githubusercontent.com': {
    sub: /^(repo|repository|repository_owner):[^*:/]+([:/]|$)/,
    repository: firstSegment,
    repository_id: exact,
    repository_owner: exact,
    repository_owner_id: exact,
  },
  'https://gitlab.com': {
    sub: /^project_path:[^*:/]+([:/]|$)/,
    project_path: firstSegment,
    project_id: exact,
    namespace_path: firstSegment,
    namespace_id: exact,
  },
  'https://agent.buildkite.com': {
    sub: /^organization:[^*:/]+(:|$)/,
    organization_slug: exact,
    organization_id: exact,
  },
  'https://app.terraform.io': {
    sub: /^organization:[^*:/]+(:|$)/,
    terraform_organization_name: exact,
    terraform_organization_id: exact,
  },
  'https://accounts.google.com': { sub: exact, email: exact },
};

/** The claims by which a rule can name a tenant of the issuer; undefined for an issuer that is not a public one. */
export function findTenantClaims(issuer: string): TenantClaims | undefined {
  return Object.hasOwn(tenantClaims, issuer) ? tenantClaims[issuer] : undefined;
}
