/** Templates of the platforms whose workloads need no secret: what each lets in, and what it keeps out. RFC 7523 §3. */
import { findWorkloadPlatform, issuerTemplate, workloadPlatforms } from '@postern/protocol/workload-platforms';
import * as tokens from '@postern/testing/platform-tokens';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const tokenPath = '/api/v1/oauth/token';

let server: TestServer;
let clientId: string;

beforeAll(async () => {
  server = await startTestServer();
  const { body } = await server.call('POST', '/api/v1/oauth/client', {
    token: await server.rootToken(),
    body: { scopes: ['policy:read'], grant_types: [grantType], token_endpoint_auth_method: 'none' },
  });
  clientId = body.client_id;
});
afterAll(() => server.close());

const save = async (record: object) =>
  server.call('PUT', '/api/v1/oauth/issuer', { token: await server.rootToken(), body: record });

const ask = (assertion: string) => server.postForm(tokenPath, { grant_type: grantType, assertion });

const onCluster = (iss: string) => async (audience: string, now: () => number) => {
  const cluster = await tokens.createKubernetes(audience, now);
  return { ...cluster, token: (claims: object = {}) => cluster.token({ iss, ...claims }) };
};

/** What only the operator knows, as it is in the tokens of the tests. */
const platforms: Record<
  string,
  { create: typeof tokens.createGithub; audience?: string; own?: Record<string, string> }
> = {
  github: { create: tokens.createGithub },
  gitlab: { create: tokens.createGitlab },
  circleci: { create: tokens.createCircleci },
  buildkite: { create: tokens.createBuildkite },
  terraform: { create: tokens.createTerraform },
  aws: { create: tokens.createAws },
  eks: { create: onCluster('https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE') },
  google: { create: tokens.createGoogle },
  gke: { create: onCluster('https://container.googleapis.com/v1/projects/a/locations/europe-west3/clusters/main') },
  azure: { create: tokens.createAzure, audience: 'api://6f1e2d3c-4b5a-4f6e-8d7c-9b0a1f2e3d4c' },
  aks: { create: onCluster('https://westeurope.oic.prod-aks.azure.com/2b6e0c9e/6d1e7f80/') },
  kubernetes: { create: tokens.createKubernetes },
  spiffe: { create: tokens.createSpire },
};

test('every platform of the table is tested here', () => {
  expect(Object.keys(platforms)).toEqual(workloadPlatforms.map(({ key }) => key));
});

describe.each(workloadPlatforms)('$label', (platform) => {
  const { create, audience } = platforms[platform.key] as (typeof platforms)[string];

  /** The template, completed with what the token says. */
  const complete = async () => {
    const signer = await create(audience ?? server.url, server.now);
    const token = await signer.token();
    const claims = decodeJwt(token);
    const { rules, jwks_uri: _, ...template } = issuerTemplate(platform, clientId);
    const completed = (name: string, text: string) => (text.includes('<') ? String(claims[name]) : text);
    const record = {
      ...template,
      issuer: claims.iss ?? 'spiffe://example.org',
      ...(audience !== undefined && { audience }),
      jwks: { keys: [{ ...signer.jwk, use: 'sig' }] },
    };
    const rule = Object.fromEntries(
      Object.entries(rules[0]?.claims ?? {}).map(([name, text]) => [name, completed(name, text)]),
    );
    return { signer, token, record, rule };
  };

  test('its template, completed, lets its workload in, as often as the platform gives it the same token', async () => {
    const { signer, token, record, rule } = await complete();
    const saved = await save({ ...record, rules: [{ client_id: clientId, claims: rule }] });
    expect([saved.status, saved.body.detail]).toEqual([200, undefined]);
    expect([(await ask(token)).status, (await ask(token)).status]).toEqual([200, platform.givesTokenAgain ? 200 : 400]);
    // Each of the claims in the template counts.
    for (const name of Object.keys(rule)) {
      await save({ ...record, rules: [{ client_id: clientId, claims: { ...rule, [name]: `${rule[name]}-other` } }] });
      expect((await ask(await signer.token())).body).toMatchObject({ error: 'invalid_grant' });
    }
  });

  test('its template is not saved before all that is in <> is replaced', async () => {
    const { rule, record } = await complete();
    const template = issuerTemplate(platform, clientId);
    const asPrinted = await save({ ...template, issuer: record.issuer });
    expect([asPrinted.status, asPrinted.body.detail]).toEqual([422, expect.stringMatching(/placeholder/)]);
    if (platform.issuer.includes('<')) {
      const { status, body } = await save({ ...template, rules: [{ client_id: clientId, claims: rule }] });
      expect([status, body.detail]).toEqual([422, expect.stringMatching(/^issuer: .*placeholder|^issuer: must/)]);
    }
  });

  test('a rule must name whose workload it is, by one of the claims that the table says', async () => {
    const { record, rule } = await complete();
    const required = Object.keys(platform.required);
    const rest = Object.fromEntries(Object.entries(rule).filter(([name]) => !required.includes(name)));
    const bad: Record<string, string | string[]>[] = [
      { ...rest, environment: 'prod' },
      ...required.flatMap((name) => [
        { ...rest, environment: 'prod', [name]: '*' },
        { ...rest, environment: 'prod', [name]: [rule[name] ?? 'mine', '*:*:*:*:*:*/*'] },
      ]),
    ];
    for (const claims of bad) {
      const { status, body } = await save({ ...record, rules: [{ client_id: clientId, claims }] });
      expect([status, body.detail]).toEqual([
        422,
        `rules[0].claims: this issuer signs for ${platform.signsFor}, so one must name ${platform.mustName} without a *: ${required.join(', ')}.`,
      ]);
    }
  });

  test('the server knows it by the issuer of its template', async () => {
    const { record } = await complete();
    expect(findWorkloadPlatform(record.issuer)?.key).toBe(platform.key);
    expect(findWorkloadPlatform(`https://evil.example/${record.issuer}`)).toBeUndefined();
  });
});

test.each([
  ['gitlab', { project_id: '53804091', sub: 'project_path:evil/billing:ref_type:branch:ref:main' }],
  ['circleci', { 'oidc.circleci.com/project-id': '00000000-52b3-4d6c-9a0e-3c5b7d9e1f20' }],
  ['buildkite', { organization_slug: 'evil' }],
  ['terraform', { terraform_organization_id: 'org-evil', terraform_organization_name: 'evil' }],
  ['aws', { sub: 'arn:aws:iam::123456789012:role/other' }],
  ['google', { sub: '217263548209184736251' }],
  ['azure', { oid: '00000000-8b3f-4c60-a9d1-7e2f3a4b5c6d' }],
])('of %s, a genuine token of somebody else is refused', async (key, theirs) => {
  const platform = workloadPlatforms.find((one) => one.key === key);
  const { create, audience } = platforms[key] as (typeof platforms)[string];
  const signer = await create(audience ?? server.url, server.now);
  const claims = decodeJwt(await signer.token());
  const [rule] = issuerTemplate(platform as (typeof workloadPlatforms)[number], clientId).rules;
  const mine = Object.entries(rule?.claims ?? {}).map(([name, text]) => [
    name,
    text.includes('<') ? String(claims[name]) : text,
  ]);
  const record = { key, issuer: claims.iss, jwks: { keys: [signer.jwk] }, ...(audience && { audience }) };
  expect((await save({ ...record, rules: [{ client_id: clientId, claims: Object.fromEntries(mine) }] })).status).toBe(
    200,
  );
  expect((await ask(await signer.token(theirs))).body).toMatchObject({ error: 'invalid_grant' });
  expect(server.log.findLast((line) => line.includes('invalid_grant'))).toContain('"reason":"no_rule_matches"');
  expect((await ask(await signer.token())).status).toBe(200);
});
