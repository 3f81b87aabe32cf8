/** What a workload runs to get a token by that of its platform, ready to paste. RFC 7523 §2.1. */
import type { ServerMetadata } from '../api/connection.ts';
import type { Snippet } from './snippets.ts';

/** `resource`: what the token is for; undefined: the APIs of Postern. */
export function workloadSnippets(
  { issuer, token_endpoint: endpoint }: ServerMetadata,
  resource: string | undefined,
): readonly Snippet[] {
  const form = [
    'grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer',
    ...(resource === undefined ? [] : [`resource=${resource}`]),
    'assertion=$ASSERTION',
  ];
  const request = (indent: string) =>
    [`curl -sSf '${endpoint}'`, ...form.map((parameter) => `${indent}  --data-urlencode "${parameter}"`)].join(' \\\n');
  return [
    {
      id: 'github',
      title: 'GitHub Actions workflow',
      code: `# .github/workflows/deploy.yml
on:
  push:
    branches: [main]
permissions:
  id-token: write
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - name: Get a token
        run: |
          ASSERTION=$(curl -sSf -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \\
            "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=${encodeURIComponent(issuer)}" | jq -r .value)
          TOKEN=$(${request('          ')} | jq -r .access_token)
          echo "::add-mask::$TOKEN"
          echo "TOKEN=$TOKEN" >> "$GITHUB_ENV"`,
    },
    {
      id: 'kubernetes',
      title: 'Kubernetes pod',
      code: `# In the specification of the pod
serviceAccountName: worker
volumes:
  - name: postern-token
    projected:
      sources:
        - serviceAccountToken:
            path: token
            audience: ${issuer}
            expirationSeconds: 600
containers:
  - name: worker
    volumeMounts:
      - name: postern-token
        mountPath: /var/run/secrets/postern

# In its container
ASSERTION=$(cat /var/run/secrets/postern/token)
${request('')}`,
    },
    {
      id: 'gitlab',
      title: 'GitLab CI/CD job',
      code: `# .gitlab-ci.yml
deploy:
  id_tokens:
    ASSERTION:
      aud: ${issuer}
  script:
    - |
      TOKEN=$(${request('      ')} | jq -r .access_token)`,
    },
    ...assertionCommands(issuer).map(([id, title, command]) => ({ id, title, code: `${command}\n${request('')}` })),
    {
      id: 'shell',
      title: 'Any other, in a shell',
      code: `# ASSERTION is the token of the workload, whose audience must be ${issuer}
${request('')}`,
    },
  ];
}

/** How a shell gets the token of its platform, for those that give it one. */
function assertionCommands(issuer: string): readonly (readonly [id: string, title: string, command: string])[] {
  return [
    ['circleci', 'CircleCI job', `ASSERTION=$(circleci run oidc get --claims '{"aud": "${issuer}"}')`],
    ['buildkite', 'Buildkite step', `ASSERTION=$(buildkite-agent oidc request-token --audience '${issuer}')`],
    [
      'terraform',
      'HCP Terraform run',
      `# With the environment variable TFC_WORKLOAD_IDENTITY_AUDIENCE=${issuer} of the workspace
ASSERTION=$TFC_WORKLOAD_IDENTITY_TOKEN`,
    ],
    [
      'aws',
      'AWS role',
      `ASSERTION=$(aws sts get-web-identity-token --audience '${issuer}' --signing-algorithm ES384 \\
  --duration-seconds 300 --query WebIdentityToken --output text)`,
    ],
    [
      'google',
      'Google Cloud workload',
      `ASSERTION=$(curl -sSf -G -H 'Metadata-Flavor: Google' --data-urlencode 'audience=${issuer}' \\
  http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity)`,
    ],
    [
      'azure',
      'Azure workload',
      `# RESOURCE is the Application ID URI of the app registration that stands for this server
ASSERTION=$(curl -sSf -G -H 'Metadata: true' --data-urlencode "resource=$RESOURCE" \\
  'http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01' | jq -r .access_token)`,
    ],
    [
      'spiffe',
      'SPIFFE workload',
      `ASSERTION=$(spire-agent api fetch jwt -audience '${issuer}' -output json | jq -r '.[0].svids[0].svid')`,
    ],
  ];
}
