/** Tokens with exactly the shape of those that platforms issue to their workloads, signed with keys of the tests. */
import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export interface Platform {
  /** The public key as the platform publishes it. */
  readonly jwk: Record<string, unknown>;
  /** A token with the usual claims and header; those given replace them, and undefined ones are left out. */
  token(claims?: JWTPayload, header?: Record<string, unknown>): Promise<string>;
}

interface Shape {
  readonly alg: string;
  readonly header: Record<string, unknown>;
  readonly use?: string;
  claims(nowSeconds: number): JWTPayload;
}

async function createPlatform({ alg, header, use, claims }: Shape, now: () => number): Promise<Platform> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const kid = randomUUID();
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, ...(use !== undefined && { use }) },
    token: (over = {}, headerOver = {}) =>
      new SignJWT({ ...claims(Math.floor(now() / 1000)), ...over })
        .setProtectedHeader({ ...header, alg, kid, ...headerOver })
        .sign(privateKey),
  };
}

export const githubIssuer = 'https://token.actions.githubusercontent.com';

/** For a job of a push to main in the environment `prod`. It is valid from five minutes ago for ten minutes. */
export const createGithub = (audience: string, now: () => number) =>
  createPlatform(
    {
      alg: 'RS256',
      header: { typ: 'JWT', x5t: 'eBZ_cn3sXYAd0ch4THBKHIgOwOE' },
      use: 'sig',
      claims: (nowSeconds) => ({
        jti: randomUUID(),
        sub: 'repo:octo-org/octo-repo:environment:prod',
        aud: audience,
        ref: 'refs/heads/main',
        sha: '4f1c0de4f1c0de4f1c0de4f1c0de4f1c0de4f1c0',
        repository: 'octo-org/octo-repo',
        repository_owner: 'octo-org',
        repository_owner_id: '65',
        run_id: '1234567890',
        run_number: '10',
        run_attempt: '1',
        repository_visibility: 'private',
        repository_id: '74',
        actor_id: '12',
        actor: 'octocat',
        workflow: 'deploy',
        head_ref: '',
        base_ref: '',
        event_name: 'push',
        ref_protected: 'true',
        ref_type: 'branch',
        workflow_ref: 'octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main',
        workflow_sha: '4f1c0de4f1c0de4f1c0de4f1c0de4f1c0de4f1c0',
        job_workflow_ref: 'octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main',
        job_workflow_sha: '4f1c0de4f1c0de4f1c0de4f1c0de4f1c0de4f1c0',
        runner_environment: 'github-hosted',
        environment: 'prod',
        environment_node_id: 'EN_kwDOExample',
        iss: githubIssuer,
        nbf: nowSeconds - 300,
        exp: nowSeconds + 300,
        iat: nowSeconds,
      }),
    },
    now,
  );

export const kubernetesIssuer = 'https://kubernetes.default.svc.cluster.local';

/** A projected token of the service account `billing` in `payments`. Its header has no typ, and its audience is a list. */
export const createKubernetes = (audience: string, now: () => number) =>
  createPlatform(
    {
      alg: 'RS256',
      header: {},
      use: 'sig',
      claims: (nowSeconds) => ({
        aud: [audience],
        exp: nowSeconds + 3_607,
        iat: nowSeconds,
        iss: kubernetesIssuer,
        jti: randomUUID(),
        'kubernetes.io': {
          namespace: 'payments',
          node: { name: 'node-1', uid: '646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1' },
          pod: { name: 'billing-7d9c-x2x', uid: '5e0bd49b-f040-43b0-99b7-22765a53f7f3' },
          serviceaccount: { name: 'billing', uid: '14ee3fa4-a7e2-420f-9f9a-dbc4507c3798' },
          warnafter: nowSeconds + 3_607,
        },
        nbf: nowSeconds,
        sub: 'system:serviceaccount:payments:billing',
      }),
    },
    now,
  );

export const spiffeIssuer = 'spiffe://example.org';

/** A JWT-SVID of SPIRE: it has no iss and no jti, and its audience is a list. */
export const createSpire = (audience: string, now: () => number) =>
  createPlatform(
    {
      alg: 'ES256',
      header: { typ: 'JWT' },
      use: 'jwt-svid',
      claims: (nowSeconds) => ({
        aud: [audience],
        exp: nowSeconds + 300,
        iat: nowSeconds,
        sub: 'spiffe://example.org/ns/payments/sa/billing',
      }),
    },
    now,
  );

/** A job of a protected branch. Every claim but the times is text. */
export const createGitlab = (audience: string, now: () => number) =>
  createPlatform(
    {
      alg: 'RS256',
      header: { typ: 'JWT' },
      use: 'sig',
      claims: (nowSeconds) => ({
        namespace_id: '12885807',
        namespace_path: 'acme',
        project_id: '53804090',
        project_path: 'acme/billing',
        user_id: '12',
        user_login: 'jane',
        user_email: 'jane@example.com',
        user_access_level: 'maintainer',
        pipeline_id: '1104',
        pipeline_source: 'push',
        job_id: '5508',
        ref: 'main',
        ref_type: 'branch',
        ref_path: 'refs/heads/main',
        ref_protected: 'true',
        environment: 'prod',
        environment_protected: 'true',
        deployment_tier: 'production',
        runner_id: 12,
        runner_environment: 'gitlab-hosted',
        sha: '4f1c0de4f1c0de4f1c0de4f1c0de4f1c0de4f1c0',
        ci_config_ref_uri: 'gitlab.com/acme/billing//.gitlab-ci.yml@refs/heads/main',
        ci_config_sha: '4f1c0de4f1c0de4f1c0de4f1c0de4f1c0de4f1c0',
        project_visibility: 'private',
        jti: randomUUID(),
        iss: 'https://gitlab.com',
        iat: nowSeconds,
        nbf: nowSeconds - 5,
        exp: nowSeconds + 3_600,
        sub: 'project_path:acme/billing:ref_type:branch:ref:main',
        aud: audience,
      }),
    },
    now,
  );

const circleciOrganization = '4a1c6e0e-6d51-4a4c-a2a5-0e2b4f6a8c10';
const circleciProject = '8f1d2b7a-52b3-4d6c-9a0e-3c5b7d9e1f20';

/** A job whose token was requested with an audience of its own. It has no jti. */
export const createCircleci = (audience: string, now: () => number) =>
  createPlatform(
    {
      alg: 'RS256',
      header: { typ: 'JWT' },
      use: 'sig',
      claims: (nowSeconds) => ({
        aud: audience,
        exp: nowSeconds + 3_600,
        iat: nowSeconds,
        iss: `https://oidc.circleci.com/org/${circleciOrganization}`,
        'oidc.circleci.com/context-ids': ['7c1d9a52-3e4f-4b6a-8d0c-1f2e3d4c5b6a'],
        'oidc.circleci.com/job-id': randomUUID(),
        'oidc.circleci.com/org-id': circleciOrganization,
        'oidc.circleci.com/project-id': circleciProject,
        'oidc.circleci.com/ssh-rerun': false,
        'oidc.circleci.com/vcs-origin': 'github.com/acme/billing',
        'oidc.circleci.com/vcs-ref': 'refs/heads/main',
        sub: `org/${circleciOrganization}/project/${circleciProject}/user/1b9f6c3e-0d2a-4f58-9c7e-6a5b4c3d2e1f`,
      }),
    },
    now,
  );

/** A step of a build of the branch `main`. */
export const createBuildkite = (audience: string, now: () => number) =>
  createPlatform(
    {
      alg: 'RS256',
      header: { typ: 'JWT' },
      use: 'sig',
      claims: (nowSeconds) => ({
        iss: 'https://agent.buildkite.com',
        sub: 'organization:acme:pipeline:billing:ref:refs/heads/main:commit:9f3182061f1e2cca4702c368cbc039b7dc9d4485:step:deploy',
        aud: audience,
        iat: nowSeconds,
        nbf: nowSeconds,
        exp: nowSeconds + 300,
        organization_slug: 'acme',
        pipeline_slug: 'billing',
        build_number: 1,
        build_branch: 'main',
        build_tag: '',
        build_commit: '9f3182061f1e2cca4702c368cbc039b7dc9d4485',
        build_source: 'webhook',
        step_key: 'deploy',
        job_id: randomUUID(),
        agent_id: '0184990a-4782-42b5-afc1-16715b10b8ff',
        runner_environment: 'buildkite-hosted',
      }),
    },
    now,
  );

/** The apply of a run of HCP Terraform. */
export const createTerraform = (audience: string, now: () => number) =>
  createPlatform(
    {
      alg: 'RS256',
      header: { typ: 'JWT' },
      use: 'sig',
      claims: (nowSeconds) => ({
        jti: randomUUID(),
        iss: 'https://app.terraform.io',
        aud: audience,
        iat: nowSeconds,
        nbf: nowSeconds,
        exp: nowSeconds + 7_200,
        sub: 'organization:acme:project:Default Project:workspace:billing:run_phase:apply',
        terraform_organization_id: 'org-GRNbCjYNpBB6NEBH',
        terraform_organization_name: 'acme',
        terraform_project_id: 'prj-vegSA59s1XPwMr2t',
        terraform_project_name: 'Default Project',
        terraform_workspace_id: 'ws-mbsd5E3Ktt5Rg2Xm',
        terraform_workspace_name: 'billing',
        terraform_full_workspace: 'organization:acme:project:Default Project:workspace:billing',
        terraform_run_id: 'run-X3n1AUXNGWbfECsJ',
        terraform_run_phase: 'apply',
      }),
    },
    now,
  );

/** What GetWebIdentityToken of AWS gives a role that runs in a Lambda function. */
export const createAws = (audience: string, now: () => number) =>
  createPlatform(
    {
      alg: 'ES384',
      header: { typ: 'JWT' },
      use: 'sig',
      claims: (nowSeconds) => ({
        aud: audience,
        sub: 'arn:aws:iam::123456789012:role/billing',
        iss: 'https://3f2a9c1e-5b7d-4e80-9a6c-1d2e3f4a5b6c.tokens.sts.global.api.aws',
        exp: nowSeconds + 300,
        iat: nowSeconds,
        jti: randomUUID(),
        'https://sts.amazonaws.com/': {
          aws_account: '123456789012',
          source_region: 'eu-central-1',
          org_id: 'o-abc1234567',
          principal_id: 'arn:aws:iam::123456789012:role/billing',
          lambda_source_function_arn: 'arn:aws:lambda:eu-central-1:123456789012:function:billing',
        },
      }),
    },
    now,
  );

/** An ID token of a service account, from the metadata server of Google Cloud. It has no jti. */
export const createGoogle = (audience: string, now: () => number) =>
  createPlatform(
    {
      alg: 'RS256',
      header: { typ: 'JWT' },
      use: 'sig',
      claims: (nowSeconds) => ({
        aud: audience,
        azp: '117263548209184736251',
        email: 'billing@acme-prod.iam.gserviceaccount.com',
        email_verified: true,
        exp: nowSeconds + 3_600,
        iat: nowSeconds,
        iss: 'https://accounts.google.com',
        sub: '117263548209184736251',
        google: { compute_engine: { project_id: 'acme-prod', project_number: 1_234, zone: 'europe-west3-a' } },
      }),
    },
    now,
  );

const azureTenant = '2b6e0c9e-3f4d-4a1b-8c7e-9d0f1a2b3c4d';
const azureIdentity = '5c7a1d2e-8b3f-4c60-a9d1-7e2f3a4b5c6d';

/** A token of version 1 of a managed identity of Azure, for the application of that id. It is valid for a day. */
export const createAzure = (audience: string, now: () => number) =>
  createPlatform(
    {
      alg: 'RS256',
      header: { typ: 'JWT', x5t: 'imi0Y2z0dYKxBttAqK_Tt5hYBTk' },
      use: 'sig',
      claims: (nowSeconds) => ({
        aud: audience,
        iss: `https://sts.windows.net/${azureTenant}/`,
        iat: nowSeconds,
        nbf: nowSeconds,
        exp: nowSeconds + 86_400,
        aio: 'k2RgYFhpuVhW8YnQ1FZLXoEsAA',
        appid: '0e9d8c7b-6a5f-4e3d-2c1b-0a9f8e7d6c5b',
        appidacr: '2',
        idp: `https://sts.windows.net/${azureTenant}/`,
        idtyp: 'app',
        oid: azureIdentity,
        rh: '0.AAAA',
        sub: azureIdentity,
        tid: azureTenant,
        uti: 'xYz',
        ver: '1.0',
        xms_mirid:
          '/subscriptions/1c2d/resourcegroups/acme/providers/Microsoft.ManagedIdentity/userAssignedIdentities/billing',
      }),
    },
    now,
  );
