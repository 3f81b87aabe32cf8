/** What a workload runs to get a token by that of its platform, ready to paste. RFC 7523 §2.1. */
import type { AuthorizationServerMetadata } from '@postern/protocol';
import type { Snippet } from './snippets.ts';

/** `resource`: what the token is for; undefined: the APIs of Postern. */
export function workloadSnippets(
  { issuer, token_endpoint: endpoint }: Pick<AuthorizationServerMetadata, 'issuer' | 'token_endpoint'>,
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
      id: 'shell',
      title: 'Any other, in a shell',
      code: `# ASSERTION is the token of the workload, whose audience must be ${issuer}
${request('')}`,
    },
  ];
}
