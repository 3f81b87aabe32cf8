/** Tokens with exactly the shape of those that GitHub Actions, Kubernetes and SPIRE issue to workloads, signed with keys of the tests. */
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
