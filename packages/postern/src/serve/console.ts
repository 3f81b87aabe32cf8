/** Serves the web console at `/console`: static files that use the public HTTP API and load nothing from elsewhere. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { issuerPathOf } from '@postern/server';
import type { FastifyInstance } from 'fastify';
import { loadOnRequest } from './load-on-request.ts';

export interface WebConsoleOptions {
  /** Its path is the prefix that a proxy adds to every path of this server. */
  readonly issuer: string;
  /** The directory of the built files. Default: `console` in this package. */
  readonly directory?: string;
}

const builtInto = fileURLToPath(new URL('../../console/', import.meta.url));

/** Allows files and connections of this server only, and no inline scripts or styles. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const notBuilt = (issuerPath: string) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Postern</title>
<h1>The console is not built</h1>
<p>In the directory of Postern, run <code>npm ci &amp;&amp; npm start</code>, which builds it. The HTTP API works without:
see <a href="${issuerPath}/api">/api</a>.</p>
</html>
`;

export async function webConsole(
  app: FastifyInstance,
  { issuer, directory = builtInto }: WebConsoleOptions,
): Promise<void> {
  // It has no character that could end an attribute of HTML.
  const issuerPath = issuerPathOf(issuer);
  const index = join(directory, 'index.html');
  const built = existsSync(index);
  app.addHook('onSend', async (_request, reply) => {
    reply.header('content-security-policy', contentSecurityPolicy);
    reply.header('referrer-policy', 'no-referrer');
    reply.header('cross-origin-opener-policy', 'same-origin');
  });
  if (built) {
    loadOnRequest(app, ['/console/assets/*'], async (files) => {
      const { fastifyStatic } = await import('@fastify/static');
      // The name of each file has a digest of its content, so the content never changes.
      await files.register(fastifyStatic, {
        root: join(directory, 'assets'),
        prefix: '/console/assets/',
        decorateReply: false,
        index: false,
        preCompressed: true,
        immutable: true,
        maxAge: '365d',
      });
    });
  }
  const page = built
    ? readFileSync(index, 'utf8').replace('<base href="/console/"', `<base href="${issuerPath}/console/"`)
    : notBuilt(issuerPath);
  // Every path serves the same page, whose script decides what to show.
  for (const url of ['/console', '/console/*']) {
    app.get(url, { schema: { hide: true } }, async (_request, reply) =>
      reply
        .code(built ? 200 : 503)
        .header('cache-control', 'no-cache')
        .type('text/html; charset=utf-8')
        .send(page),
    );
  }
}
