/**
 * An MCP client that acts on its own or for a person: the MCP SDK speaks to the server, `@postern/client` gets the tokens and brings
 * them along. As a program it is what the conformance package of MCP starts for each scenario. RFC 9728 §5, RFC 6750 §3.1, RFC 7523
 * §2.1 and §2.2, RFC 9449 §5, draft-ietf-oauth-identity-assertion-authz-grant-04 §4.3 and §4.4.
 */
import { Client } from '@modelcontextprotocol/sdk/client';
import { discoverOAuthProtectedResourceMetadata } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  actFor,
  type ClientAuthentication,
  clientSecretBasic,
  createTokenClient,
  privateKeyJwt,
  type TokenClient,
  workloadToken,
} from '../src/index.ts';

/** What the conformance package tells the client of a scenario. */
export interface ScenarioContext {
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly private_key_pem?: string;
  readonly valid_jwt?: string;
  readonly idp_client_id?: string;
  /** Undefined: the provider authenticates no client. */
  readonly idp_client_secret?: string;
  readonly idp_id_token?: string;
  readonly idp_issuer?: string;
  readonly idp_token_endpoint?: string;
}

interface Target {
  readonly issuer: string;
  readonly resource: string;
}

type Authenticate = (context: ScenarioContext, target: Target) => ClientAuthentication;

const bySecret: Authenticate = ({ client_id = 'client', client_secret = 'secret' }) =>
  clientSecretBasic(client_id, client_secret);

/** How the client of each scenario authenticates. */
export const scenarios = {
  'auth/client-credentials-basic': bySecret,
  'auth/client-credentials-jwt': ({ client_id = '', private_key_pem = '' }) =>
    privateKeyJwt({ clientId: client_id, key: private_key_pem }),
  'auth/wif-jwt-bearer': ({ valid_jwt = '' }) => workloadToken(() => valid_jwt),
  'auth/enterprise-managed-authorization': (context, target) =>
    actFor(bySecret(context, target), () => requestIdJag(context, target)),
  'auth/dpop': bySecret,
  'auth/dpop-nonce': bySecret,
  'auth/scope-step-up': bySecret,
} satisfies Record<string, Authenticate>;

export type ScenarioName = keyof typeof scenarios;

/** By the ID token with which the person has signed in. The provider may know the client by another id. */
async function requestIdJag(context: ScenarioContext, { issuer, resource }: Target): Promise<string> {
  const { idp_issuer = '', idp_client_id = '', idp_client_secret, idp_id_token = '', idp_token_endpoint } = context;
  const withoutSecret: ClientAuthentication = {
    grantType: 'client_credentials',
    usesCertificate: false,
    authenticate: () => ({ form: { client_id: idp_client_id } }),
  };
  const authentication =
    idp_client_secret === undefined ? withoutSecret : clientSecretBasic(idp_client_id, idp_client_secret);
  const provider = createTokenClient({ issuer: idp_issuer, authentication, tokenEndpoint: idp_token_endpoint });
  const { accessToken } = await provider.exchangeToken({
    subjectToken: idp_id_token,
    subjectTokenType: 'urn:ietf:params:oauth:token-type:id_token',
    requestedTokenType: 'urn:ietf:params:oauth:token-type:id-jag',
    audience: issuer,
    resource,
  });
  return accessToken;
}

/** Calls the first tool of the server, and returns what it says. `now` is in milliseconds since 1970. */
export async function callFirstTool(
  name: ScenarioName,
  serverUrl: string,
  context: ScenarioContext,
  now = Date.now,
): Promise<string> {
  const metadata = await discoverOAuthProtectedResourceMetadata(serverUrl);
  const target = { issuer: metadata.authorization_servers?.[0] ?? '', resource: metadata.resource };
  const withScopes = (scopes: readonly string[]) =>
    createTokenClient({
      ...target,
      authentication: scenarios[name](context, target),
      dpop: name.startsWith('auth/dpop'),
      now,
      scope: scopes.length === 0 ? undefined : scopes.join(' '),
    });
  const transport = new StreamableHTTPClientTransport(new URL(serverUrl), {
    fetch: fetchWithStepUp(withScopes, metadata.scopes_supported ?? []),
  });
  const client = new Client({ name: 'postern-conformance', version: '1.0.0' });
  await client.connect(transport as Transport);
  const { tools } = await client.listTools();
  const answer = await client.callTool({ name: tools[0]?.name ?? '', arguments: {} });
  await client.close();
  return JSON.stringify(answer);
}

/** Asks for one more scope as soon as the server says that it needs it, and keeps those that it has. RFC 6750 §3.1. */
function fetchWithStepUp(
  withScopes: (scopes: readonly string[]) => TokenClient,
  first: readonly string[],
): TokenClient['fetch'] {
  let scopes = first;
  let tokens = withScopes(scopes);
  return async (input, init) => {
    const response = await tokens.fetch(input, init);
    const challenge = response.headers.get('www-authenticate') ?? '';
    const wanted = /\bscope="([^"]*)"/.exec(challenge)?.[1]?.split(' ') ?? [];
    if (
      response.status !== 403 ||
      !challenge.includes('insufficient_scope') ||
      wanted.every((one) => scopes.includes(one))
    ) {
      return response;
    }
    await response.body?.cancel();
    scopes = [...new Set([...scopes, ...wanted])];
    tokens = withScopes(scopes);
    return tokens.fetch(input, init);
  };
}

if (import.meta.main) {
  const { MCP_CONFORMANCE_SCENARIO = '', MCP_CONFORMANCE_CONTEXT = '{}' } = process.env;
  const context = JSON.parse(MCP_CONFORMANCE_CONTEXT) as ScenarioContext;
  await callFirstTool(MCP_CONFORMANCE_SCENARIO as ScenarioName, process.argv.at(-1) ?? '', context);
}
