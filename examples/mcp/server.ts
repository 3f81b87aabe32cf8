/** An MCP server over HTTP that takes access tokens of Postern. RFC 9728, and the authorization of MCP. */
import type { IncomingMessage } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { createApiGuard } from '@postern/guard';
import { accessTokenOf, protect, resourceMetadata } from '@postern/guard/express';
import express from 'express';

const { ISSUER = 'https://auth.example.com', PORT = '3000' } = process.env;
const { AUDIENCE = 'https://mcp.example.com/mcp' } = process.env;
const guard = createApiGuard({
  issuer: ISSUER,
  audience: AUDIENCE,
  baseUrl: new URL(AUDIENCE).origin,
  resource: { name: 'Invoices', scopes: ['invoice:read'] },
});
const needs = protect(guard);

const app = express();
app.use(resourceMetadata(guard));
app.post('/mcp', needs('invoice:read'), express.json(), async (request, response) => {
  const { clientId } = accessTokenOf(request);
  const server = new McpServer({ name: 'invoices', version: '1.0.0' });
  server.registerTool('list-invoices', { description: 'Lists the invoices of the caller' }, () => ({
    content: [{ type: 'text', text: `No invoices for ${clientId}.` }],
  }));
  // One for each request: nothing is kept between them.
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  response.on('close', () => transport.close());
  await server.connect(transport as Transport);
  await transport.handleRequest(request as IncomingMessage, response, request.body);
});
app.listen(Number(PORT), () => console.log(`http://localhost:${PORT}`));
