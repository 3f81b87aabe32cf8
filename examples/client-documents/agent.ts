/** An agent that is known by its client ID metadata document: it gets a token by its private key. RFC 7523 §2.2. */
import { readFileSync } from 'node:fs';
import { createTokenClient, privateKeyJwt, TokenError } from '@postern/client';

const { ISSUER = 'https://auth.example.com', CLIENT_ID = 'https://partner.example/agent.json' } = process.env;

const tokens = createTokenClient({
  issuer: ISSUER,
  authentication: privateKeyJwt({ clientId: CLIENT_ID, key: readFileSync('agent.secret', 'utf8') }),
});
try {
  const { scope } = await tokens.getToken();
  console.log(`a token with the scope ${scope}`);
} catch (error) {
  if (!(error instanceof TokenError)) {
    throw error;
  }
  console.log(error.message);
}
