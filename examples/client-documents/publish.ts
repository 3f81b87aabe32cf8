/** Publishes the client ID metadata document of an agent, with its public key. draft-ietf-oauth-client-id-metadata-document-03 §4. */
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const { PORT = '8443' } = process.env;
const server = `https://localhost:${PORT}`;

const document = {
  client_id: `${server}/agent.json`,
  client_name: 'Agent of Partner',
  contacts: ['security@partner.example'],
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [createPublicKey(readFileSync('agent.secret')).export({ format: 'jwk' })] },
};

createServer({ cert: readFileSync('tls.pem'), key: readFileSync('tls.secret') }, ({ url }, response) => {
  if (url === '/agent.json') {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
  } else {
    response.writeHead(404).end();
  }
}).listen(Number(PORT), () => console.log(`Server listening at ${server}`));
