/** A program that calls a tool of an MCP server as a client of Postern. It knows the address of the server and nothing else. */
import { Client } from '@modelcontextprotocol/sdk/client';
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';

const { SERVER = 'https://mcp.example.com/mcp', ISSUER = 'https://auth.example.com' } = process.env;
const { CLIENT_ID = '', CLIENT_SECRET = '' } = process.env;

const authProvider = new ClientCredentialsProvider({
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  scope: 'invoice:read',
  expectedIssuer: ISSUER,
});
const client = new Client({ name: 'reports', version: '1.0.0' });
await client.connect(new StreamableHTTPClientTransport(new URL(SERVER), { authProvider }) as Transport);
console.log(JSON.stringify(await client.callTool({ name: 'list-invoices' })));
await client.close();
