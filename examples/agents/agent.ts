/**
 * An agent that works for whoever asks it, and asks the other agent in their name, which asks it in turn. RFC 8693 §4.1.
 *
 * Each exchanges the token that it is asked with for one with which it acts for its caller. It keeps that one to continue the work by
 * itself, until it is refused: then somebody has ended the token at the top, with all that was exchanged for it.
 */
import { clientSecretBasic, createTokenClient, TokenError } from '@postern/client';
import { createApiGuard } from '@postern/guard';
import { accessTokenOf, protect } from '@postern/guard/express';
import express from 'express';

const { NAME = 'planner', PORT = '3001', PEER = 'http://localhost:3002' } = process.env;
const { ISSUER = 'https://auth.example.com', AUDIENCE = 'https://agents.example.com' } = process.env;
const { CLIENT_ID = '', CLIENT_SECRET = '' } = process.env;

const authentication = clientSecretBasic(CLIENT_ID, CLIENT_SECRET);
const revocations = createTokenClient({ issuer: ISSUER, authentication, scope: 'revocation:read' });
const exchanges = createTokenClient({ issuer: ISSUER, authentication });
const guard = createApiGuard({ issuer: ISSUER, audience: AUDIENCE, revocations: { fetch: revocations.fetch } });
await guard.start();

const ask = (token: string, turns: number) =>
  fetch(`${PEER}/work`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ turns }),
  });

const app = express();
app.post('/work', protect(guard)('work:do'), express.json(), async (request, response) => {
  const { turns } = request.body as { turns: number };
  const { claims } = accessTokenOf(request);
  if (turns === 0) {
    response.json({ actors: claims['act'], chain: [NAME] });
    return;
  }
  const subjectToken = String(request.headers.authorization).slice('Bearer '.length);
  try {
    const { accessToken } = await exchanges.exchangeToken({ subjectToken });
    const answer = await ask(accessToken, turns - 1);
    if (!answer.ok) {
      response.status(502).json({ detail: `The other agent answered ${answer.status}.` });
      return;
    }
    const { actors, chain } = (await answer.json()) as { actors: object; chain: string[] };
    response.json({ actors, chain: [NAME, ...chain] });
    void continueWith(accessToken);
  } catch (error) {
    if (!(error instanceof TokenError)) {
      throw error;
    }
    // The token was ended while this was under way, or has passed through too many hands.
    response.status(403).json({ detail: error.message });
  }
});
app.listen(Number(PORT), () => console.log(`${NAME} works`));

/** Asks the other agent again and again, in the name of the caller who has long gone. */
async function continueWith(token: string): Promise<void> {
  const answer = await ask(token, 0);
  await answer.arrayBuffer();
  if (answer.ok) {
    setTimeout(() => void continueWith(token), 100);
  } else {
    console.log(`${NAME} stopped: the other agent answered ${answer.status}`);
  }
}
