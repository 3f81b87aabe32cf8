/** A person signs in at the OpenID provider of a server: in the browser of this machine, or on another device. RFC 8252 §7.3, RFC 8628 §3. */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { CommandError } from '../command/command-error.ts';
import { openBrowser } from './open-browser.ts';
import type { SessionApi } from './session-api.ts';

/** Milliseconds within which the person signs in in the browser. */
const longestMs = 600_000;

const reasons: Readonly<Record<string, string>> = {
  role_missing: 'the identity provider knows you, and nobody has given you a role on this server.',
  provider_unavailable: 'the identity provider does not answer. Try again later, or sign in with --client-id.',
  provider_refused: 'the identity provider refused. The log of the server says why.',
  sign_in_lost: 'this sign-in took too long, or was used already. Try again.',
};

const page = (text: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Postern</title><p>${text}</p></html>\n`;

/** Opens `signInUrl`, waits until the browser comes back, and returns the secret of the session. */
export async function signInWithBrowser(api: SessionApi, signInUrl: string, browser: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(32).toString('base64url');
  const answer = Promise.withResolvers<URLSearchParams>();
  const server = createServer((request, response) => {
    const url = URL.parse(request.url ?? '', 'http://127.0.0.1');
    // Other programs and pages of this machine may call the port too.
    if (url?.pathname !== '/callback' || url.searchParams.get('state') !== state) {
      response.writeHead(404).end();
      return;
    }
    const isSignedIn = url.searchParams.has('code');
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'referrer-policy': 'no-referrer',
      connection: 'close',
    });
    response.end(
      page(
        isSignedIn ? 'You are signed in. You can close this page.' : 'You are not signed in. The terminal says why.',
      ),
    );
    answer.resolve(url.searchParams);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const query = new URLSearchParams({
    redirect_uri: `http://127.0.0.1:${port}/callback`,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    state,
  });
  const url = `${signInUrl}?${query}`;
  const timer = setTimeout(
    () => answer.reject(new CommandError('nobody has signed in in the browser for ten minutes.')),
    longestMs,
  );
  try {
    process.stderr.write(`Sign in in the browser. If it does not open, go to:\n${url}\n`);
    await openBrowser(browser, url);
    const { code, error = '' } = Object.fromEntries(await answer.promise);
    if (code === undefined) {
      throw new CommandError(reasons[error] ?? 'the server refused this sign-in.', { exit: 'notAllowed' });
    }
    return await api.redeem(code, verifier);
  } finally {
    clearTimeout(timer);
    server.close();
  }
}

/** Seconds by which the provider wants to be asked less often. RFC 8628 §3.5. */
const slowDownBy = 5;

/**
 * Shows a code that the person enters on another device, waits, and returns the secret of the session. `wait` waits for so many
 * milliseconds.
 */
export async function signInWithDevice(
  api: Pick<SessionApi, 'beginDevice' | 'finishDevice'>,
  wait: (ms: number) => Promise<unknown> = pause,
): Promise<string> {
  const device = await api.beginDevice();
  process.stderr.write(
    `On any device, go to ${device.verification_uri}\nand enter the code ${device.user_code}\n` +
      (device.verification_uri_complete === undefined ? '' : `Or go straight to ${device.verification_uri_complete}\n`),
  );
  let { interval } = device;
  for (let waited = 0; waited < device.expires_in; waited += interval) {
    await wait(interval * 1000);
    const answer = await api.finishDevice(device.device_code);
    if (typeof answer === 'object') {
      return answer.secret;
    }
    if (answer === 'slow_down') {
      interval += slowDownBy;
    }
  }
  throw new CommandError('the code has expired. Sign in again: postern login');
}
