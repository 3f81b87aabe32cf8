/**
 * Platforms that sign tokens for their workloads: how a trusted issuer for each looks, and which claims its rules must name, so
 * that nobody else's workload gets in. One table for server, console, command and manual. RFC 7523 §3, OpenID Connect Core §2.
 */

/** Where a value is found, and what it looks like. */
export interface Hint {
  readonly description: string;
  readonly example: string;
}

export interface WorkloadPlatform {
  /** The name of its template, and the key of the trusted issuer that comes from it. */
  readonly key: string;
  readonly label: string;
  /** The issuer of its tokens. What is your own stands in `<>`, which the server refuses as a placeholder. */
  readonly issuer: string;
  /** Which issuers are of the platform. Undefined: it cannot be told by the issuer. */
  readonly issuerPattern?: RegExp;
  readonly issuerHint?: Hint;
  /** The keys are not found by discovery, but at a URL. */
  readonly jwksUri?: string;
  /** What signs its tokens. */
  readonly algorithms: readonly string[];
  /** Who decides what the audience of its tokens is: the end of a sentence about `aud`. */
  readonly audienceRule: string;
  /** The audience, if it cannot be the issuer of Postern. */
  readonly audience?: string;
  /** Whether the platform gives the same token to its workload again, so that it must count more than once. */
  readonly givesTokenAgain: boolean;
  /** How old its tokens get. Undefined: at most an hour. */
  readonly maxAgeSeconds?: number;
  /** Whom the issuer signs for, and what one of the required claims must name: parts of the sentence that refuses a rule. */
  readonly signsFor: string;
  readonly mustName: string;
  /** The claims of which a rule must have one, and what its text must look like to name that. */
  readonly required: Readonly<Record<string, RegExp>>;
  /** The claims of the rule in its template. What is your own stands in `<>`. */
  readonly claims: Readonly<Record<string, string>>;
  /** By claim. */
  readonly hints: Readonly<Record<string, Hint>>;
}

/** Text without `*` that is not empty. */
const exact = /^[^*]+$/;
/** The first of several segments is written out. */
const firstSegment = /^[^*:/]+(\/|$)/;

const anyone = 'everybody';

/** A service account in a cluster. What a cluster signs is the same everywhere; who its issuer is differs. */
const serviceAccounts = {
  algorithms: ['RS256'],
  audienceRule: 'the projected volume of the pod names it',
  givesTokenAgain: true,
  signsFor: 'every pod of the cluster',
  mustName: 'the namespace',
  required: {
    sub: /^system:serviceaccount:[^*:/]+:/,
    '/kubernetes.io/namespace': exact,
  },
  claims: { sub: 'system:serviceaccount:<namespace>:<name>' },
  hints: {
    sub: {
      description: 'system:serviceaccount: and the namespace and name of the service account.',
      example: 'system:serviceaccount:billing:worker',
    },
    '/kubernetes.io/namespace': { description: 'The namespace of the pod.', example: 'billing' },
    '/kubernetes.io/serviceaccount/name': { description: 'The name of the service account.', example: 'worker' },
  },
} satisfies Partial<WorkloadPlatform>;

export const workloadPlatforms: readonly WorkloadPlatform[] = [
  {
    key: 'github',
    label: 'GitHub Actions',
    issuer: 'https://token.actions.githubusercontent.com',
    issuerPattern: /^https:\/\/token\.actions\.githubusercontent\.com(\/|$)/,
    algorithms: ['RS256'],
    audienceRule: 'the job names it in its request',
    givesTokenAgain: false,
    signsFor: anyone,
    mustName: 'your own account',
    required: {
      sub: /^(repo|repository|repository_owner):[^*:/]+([:/]|$)/,
      repository: firstSegment,
      repository_id: exact,
      repository_owner: exact,
      repository_owner_id: exact,
    },
    claims: {
      repository_owner_id: '<repository_owner_id>',
      repository_id: '<repository_id>',
      ref: 'refs/heads/main',
    },
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
  {
    key: 'gitlab',
    label: 'GitLab CI/CD',
    issuer: 'https://gitlab.com',
    issuerPattern: /^https:\/\/gitlab\.com(\/|$)/,
    issuerHint: { description: 'https://gitlab.com, or the URL of your own instance.', example: 'https://gitlab.com' },
    algorithms: ['RS256'],
    audienceRule: 'the job names it as aud in its id_tokens',
    givesTokenAgain: false,
    signsFor: anyone,
    mustName: 'your own group or project',
    required: {
      sub: /^project_path:[^*:/]+([:/]|$)/,
      project_path: firstSegment,
      project_id: exact,
      namespace_path: firstSegment,
      namespace_id: exact,
    },
    claims: { project_id: '<project_id>', ref_type: 'branch', ref: 'main', ref_protected: 'true' },
    hints: {
      project_id: {
        description: 'The number of the project, which nobody else can take: Settings, General of the project.',
        example: '53804090',
      },
      namespace_id: { description: 'The number of the group or user that owns the project.', example: '12885807' },
      ref_type: { description: 'branch or tag.', example: 'branch' },
      ref: { description: 'The branch or tag that the job runs for.', example: 'main' },
      ref_protected: { description: 'true: only who may push to a protected branch gets in.', example: 'true' },
    },
  },
  {
    key: 'circleci',
    label: 'CircleCI',
    issuer: 'https://oidc.circleci.com/org/<organization_id>',
    issuerPattern: /^https:\/\/oidc\.circleci\.com(\/|$)/,
    issuerHint: {
      description: 'https://oidc.circleci.com/org/ and the id of the organization: Organization Settings, Overview.',
      example: 'https://oidc.circleci.com/org/4a1c6e0e-6d51-4a4c-a2a5-0e2b4f6a8c10',
    },
    algorithms: ['RS256'],
    audienceRule: 'the job names it: circleci run oidc get --claims',
    givesTokenAgain: false,
    signsFor: 'every project of the organization',
    mustName: 'your project',
    required: {
      sub: /^org\/[^*/]+\/project\/[^*/]+(\/|$)/,
      'oidc.circleci.com/project-id': exact,
    },
    claims: { 'oidc.circleci.com/project-id': '<project_id>', 'oidc.circleci.com/vcs-ref': 'refs/heads/main' },
    hints: {
      'oidc.circleci.com/project-id': {
        description: 'The id of the project: Project Settings, Overview.',
        example: '8f1d2b7a-52b3-4d6c-9a0e-3c5b7d9e1f20',
      },
      'oidc.circleci.com/vcs-ref': {
        description: 'The branch or tag that the job runs for.',
        example: 'refs/heads/main',
      },
      'oidc.circleci.com/vcs-origin': {
        description: 'The repository that the job builds; that of a fork differs.',
        example: 'github.com/acme/billing',
      },
    },
  },
  {
    key: 'buildkite',
    label: 'Buildkite',
    issuer: 'https://agent.buildkite.com',
    issuerPattern: /^https:\/\/agent\.buildkite\.com(\/|$)/,
    algorithms: ['RS256'],
    audienceRule: 'the job names it: buildkite-agent oidc request-token --audience',
    givesTokenAgain: false,
    signsFor: anyone,
    mustName: 'your own organization',
    required: {
      sub: /^organization:[^*:/]+(:|$)/,
      organization_slug: exact,
      organization_id: exact,
    },
    claims: { organization_slug: '<organization>', pipeline_slug: '<pipeline>', build_branch: 'main' },
    hints: {
      organization_slug: { description: 'The organization, as in the address of its page.', example: 'acme' },
      organization_id: {
        description: 'The id of the organization, which tokens have with --claim organization_id.',
        example: '0184990a-477b-4fa8-9968-496074483cee',
      },
      pipeline_slug: { description: 'The pipeline, as in the address of its page.', example: 'billing' },
      build_branch: { description: 'The branch that the build is for.', example: 'main' },
    },
  },
  {
    key: 'terraform',
    label: 'HCP Terraform (Terraform Cloud)',
    issuer: 'https://app.terraform.io',
    issuerPattern: /^https:\/\/app\.terraform\.io(\/|$)/,
    algorithms: ['RS256'],
    audienceRule: 'the workspace names it by the variable TFC_WORKLOAD_IDENTITY_AUDIENCE',
    givesTokenAgain: false,
    signsFor: anyone,
    mustName: 'your own organization',
    required: {
      sub: /^organization:[^*:/]+(:|$)/,
      terraform_organization_name: exact,
      terraform_organization_id: exact,
      terraform_workspace_id: exact,
    },
    claims: {
      terraform_organization_id: '<organization_id>',
      terraform_workspace_id: '<workspace_id>',
      terraform_run_phase: 'apply',
    },
    hints: {
      terraform_organization_id: {
        description: 'The id of the organization, which nobody else can take: Settings, General.',
        example: 'org-GRNbCjYNpBB6NEBH',
      },
      terraform_workspace_id: {
        description: 'The id of the workspace, below its name.',
        example: 'ws-mbsd5E3Ktt5Rg2Xm',
      },
      terraform_run_phase: {
        description: 'plan or apply. Whoever may propose a change can run code in a plan.',
        example: 'apply',
      },
    },
  },
  {
    key: 'aws',
    label: 'AWS (outbound identity federation)',
    issuer: 'https://<issuer_id>.tokens.sts.global.api.aws',
    issuerPattern: /^https:\/\/[^/]+\.tokens\.sts\.global\.api\.aws(\/|$)/,
    issuerHint: {
      description: 'aws iam get-outbound-web-identity-federation-info says it. Each account has its own.',
      example: 'https://3f2a9c1e-5b7d-4e80-9a6c-1d2e3f4a5b6c.tokens.sts.global.api.aws',
    },
    algorithms: ['RS256', 'ES384'],
    audienceRule: 'the caller names it in GetWebIdentityToken',
    givesTokenAgain: false,
    signsFor: 'every role and user of the account',
    mustName: 'the role',
    required: {
      sub: /^arn:[^*]+(\/[^/]*[^*/][^/]*)?$/,
      '/https:~1~1sts.amazonaws.com~1/principal_id': exact,
    },
    claims: { sub: 'arn:aws:iam::<account>:role/<role>' },
    hints: {
      sub: {
        description: 'The ARN of the role that calls GetWebIdentityToken.',
        example: 'arn:aws:iam::123456789012:role/billing',
      },
      '/https:~1~1sts.amazonaws.com~1/aws_account': {
        description: 'The number of the account.',
        example: '123456789012',
      },
    },
  },
  {
    ...serviceAccounts,
    key: 'eks',
    label: 'Amazon EKS service accounts',
    issuer: 'https://oidc.eks.<region>.amazonaws.com/id/<cluster>',
    issuerPattern: /^https:\/\/oidc\.eks\.[^/]+\.amazonaws\.com(\.cn)?\//,
    issuerHint: {
      description: 'aws eks describe-cluster --name NAME --query cluster.identity.oidc.issuer says it.',
      example: 'https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE',
    },
  },
  {
    key: 'google',
    label: 'Google Cloud service accounts',
    issuer: 'https://accounts.google.com',
    issuerPattern: /^https:\/\/accounts\.google\.com(\/|$)/,
    algorithms: ['RS256'],
    audienceRule: 'the caller names it in its request',
    givesTokenAgain: true,
    signsFor: anyone,
    mustName: 'your own service account',
    required: { sub: exact, email: exact },
    claims: { sub: '<unique_id>' },
    hints: {
      sub: {
        description:
          'The unique id, which nobody else can take: gcloud iam service-accounts describe EMAIL --format="value(uniqueId)"',
        example: '117263548209184736251',
      },
      email: {
        description: 'The email of the service account. Whoever creates it again matches too.',
        example: 'billing@acme-prod.iam.gserviceaccount.com',
      },
    },
  },
  {
    ...serviceAccounts,
    key: 'gke',
    label: 'Google GKE service accounts',
    issuer: 'https://container.googleapis.com/v1/projects/<project>/locations/<location>/clusters/<cluster>',
    issuerPattern: /^https:\/\/container\.googleapis\.com\//,
    issuerHint: {
      description: 'kubectl get --raw /.well-known/openid-configuration says it.',
      example: 'https://container.googleapis.com/v1/projects/acme-prod/locations/europe-west3/clusters/main',
    },
  },
  {
    key: 'azure',
    label: 'Azure managed identities',
    issuer: 'https://sts.windows.net/<tenant_id>/',
    issuerPattern: /^https:\/\/(sts\.windows\.net|login\.microsoftonline\.com)\//,
    issuerHint: {
      description:
        'https://sts.windows.net/, the id of the tenant and a slash; https://login.microsoftonline.com/TENANT/v2.0 if the ' +
        'application takes tokens of version 2.',
      example: 'https://sts.windows.net/2b6e0c9e-3f4d-4a1b-8c7e-9d0f1a2b3c4d/',
    },
    algorithms: ['RS256'],
    audienceRule: 'the Application ID URI of an app registration that stands for Postern (its client id in version 2)',
    audience: 'api://<application_id>',
    givesTokenAgain: true,
    maxAgeSeconds: 86_400,
    signsFor: 'every person and application of the tenant',
    mustName: 'the identity',
    required: { oid: exact, sub: exact },
    claims: { oid: '<object_id>' },
    hints: {
      oid: {
        description: 'The object (principal) id of the managed identity: its page in the portal.',
        example: '5c7a1d2e-8b3f-4c60-a9d1-7e2f3a4b5c6d',
      },
    },
  },
  {
    ...serviceAccounts,
    key: 'aks',
    label: 'Azure AKS service accounts',
    issuer: 'https://<region>.oic.prod-aks.azure.com/<tenant_id>/<cluster>/',
    issuerPattern: /^https:\/\/[^/]+\.oic\.prod-aks\.azure\.com\//,
    issuerHint: {
      description: 'az aks show --query oidcIssuerProfile.issuerUrl says it, with a slash at its end.',
      example:
        'https://westeurope.oic.prod-aks.azure.com/2b6e0c9e-3f4d-4a1b-8c7e-9d0f1a2b3c4d/6d1e7f80-1a2b-4c3d-9e4f-5a6b7c8d9e0f/',
    },
  },
  {
    ...serviceAccounts,
    key: 'kubernetes',
    label: 'Kubernetes service accounts',
    issuer: '<issuer>',
    issuerPattern: /^https:\/\/kubernetes\.default\.svc(\.|\/|$)/,
    issuerHint: {
      description: 'kubectl get --raw /.well-known/openid-configuration says it.',
      example: 'https://kubernetes.default.svc.cluster.local',
    },
  },
  {
    key: 'spiffe',
    label: 'SPIFFE (JWT-SVID)',
    issuer: 'spiffe://<trust_domain>',
    issuerPattern: /^spiffe:/,
    issuerHint: { description: 'spiffe:// and the trust domain.', example: 'spiffe://acme.com' },
    jwksUri: 'https://<bundle_endpoint>',
    algorithms: ['ES256', 'RS256'],
    audienceRule: 'the workload names it when it fetches its JWT-SVID',
    givesTokenAgain: true,
    signsFor: 'every workload of the trust domain',
    mustName: 'the workload',
    required: { sub: /^spiffe:\/\/[^*/]+\/.*[^*/]/ },
    claims: { sub: 'spiffe://<trust_domain>/<path>' },
    hints: {
      sub: { description: 'The SPIFFE ID of the workload.', example: 'spiffe://acme.com/ns/billing/sa/worker' },
    },
  },
];

/** The platform whose issuer it is, if that can be told. */
export function findWorkloadPlatform(issuer: string): WorkloadPlatform | undefined {
  return workloadPlatforms.find(({ issuerPattern }) => issuerPattern?.test(issuer));
}

/** Whether something of the operator's own must take the place of a part of the text. */
export function isUnfilled(text: string): boolean {
  return /<[^>]*>/.test(text);
}

/** The body of a trusted issuer of the platform, in which everything in `<>` must be replaced. */
export function issuerTemplate(platform: WorkloadPlatform, clientId = '<client_id>') {
  return {
    key: platform.key,
    issuer: platform.issuer,
    ...(platform.jwksUri !== undefined && { jwks_uri: platform.jwksUri }),
    ...(platform.audience !== undefined && { audience: platform.audience }),
    ...(platform.maxAgeSeconds !== undefined && { max_age_seconds: platform.maxAgeSeconds }),
    single_use: !platform.givesTokenAgain,
    rules: [{ client_id: clientId, claims: platform.claims }],
  };
}
