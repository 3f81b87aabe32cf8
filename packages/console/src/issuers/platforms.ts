/** The platforms that sign tokens for their workloads: a form for each to begin with, and where its values are found. */
import { emptyDraft, type IssuerDraft, newRule } from './issuer-draft.ts';

/** Where a value is found, and what it looks like. */
export interface Hint {
  readonly description: string;
  readonly example: string;
}

export interface Platform {
  readonly label: string;
  readonly draft: () => IssuerDraft;
  readonly issuerHint?: Hint;
  /** By claim. */
  readonly hints: Readonly<Record<string, Hint>>;
}

/** A form is complete but for what only you know: that is empty, so that it cannot be saved by accident. */
export const platforms: Readonly<Record<string, Platform>> = {
  github: {
    label: 'GitHub Actions',
    draft: () => ({
      ...emptyDraft,
      key: 'github',
      issuer: 'https://token.actions.githubusercontent.com',
      rules: [
        newRule([
          { name: 'repository_owner_id', patterns: '' },
          { name: 'repository_id', patterns: '' },
          { name: 'ref', patterns: 'refs/heads/main' },
        ]),
      ],
    }),
    hints: {
      repository_owner_id: {
        description:
          'The number of the organization, which nobody else can take when it is renamed: gh api orgs/NAME --jq .id',
        example: '1234567',
      },
      repository_id: {
        description: 'The number of the repository: gh api repos/OWNER/NAME --jq .id',
        example: '987654321',
      },
      ref: { description: 'The branch or tag that the workflow runs for.', example: 'refs/heads/main' },
      repository: { description: 'Whoever takes the name later matches too.', example: 'acme/billing' },
    },
  },
  kubernetes: {
    label: 'Kubernetes service accounts',
    draft: () => ({
      ...emptyDraft,
      key: 'kubernetes',
      singleUse: false,
      rules: [newRule()],
    }),
    issuerHint: {
      description: 'kubectl get --raw /.well-known/openid-configuration says it.',
      example: 'https://kubernetes.default.svc.cluster.local',
    },
    hints: {
      sub: {
        description: 'system:serviceaccount: and the namespace and name of the service account.',
        example: 'system:serviceaccount:billing:worker',
      },
    },
  },
  spiffe: {
    label: 'SPIFFE (JWT-SVID)',
    draft: () => ({
      ...emptyDraft,
      key: 'spiffe',
      keySource: 'jwks_uri',
      singleUse: false,
      rules: [newRule()],
    }),
    issuerHint: { description: 'spiffe:// and the trust domain.', example: 'spiffe://acme.com' },
    hints: {
      sub: { description: 'The SPIFFE ID of the workload.', example: 'spiffe://acme.com/ns/billing/sa/worker' },
    },
  },
};

/** The platform of an issuer that is trusted already, if it can be told. */
export function findPlatform(issuer: string): Platform | undefined {
  return Object.values(platforms).find(({ draft }) => draft().issuer === issuer);
}
