/**
 * Routes whose code is loaded by the first request for one of them: most servers never get one, and start sooner and stay smaller
 * without it.
 */
import Fastify, { type FastifyInstance, LogController } from 'fastify';

/** Headers that each of two apps has by itself. RFC 9110 §7.6.1. */
const headersOfConnection: ReadonlySet<string> = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding']);

/**
 * Answers GET and HEAD of `urls` as an app would by itself that `load` adds routes to. What that does not have is not found here
 * either.
 */
export function loadOnRequest(
  app: FastifyInstance,
  urls: readonly string[],
  load: (pages: FastifyInstance) => Promise<void>,
): void {
  let pages: Promise<FastifyInstance> | undefined;
  const open = async () => {
    const opening = Fastify({
      loggerInstance: app.log,
      logController: new LogController({ disableRequestLogging: true }),
      routerOptions: { ignoreTrailingSlash: true },
    });
    await load(opening);
    return opening;
  };
  for (const path of urls) {
    app.get(path, { schema: { hide: true } }, async ({ url, headers }, reply) => {
      // One that failed is tried again.
      pages ??= open().catch((error) => {
        pages = undefined;
        throw error;
      });
      // Fastify makes the answer to HEAD of that to GET.
      const answer = await (await pages).inject({ method: 'GET', url, headers });
      if (answer.statusCode === 404) {
        return reply.callNotFound();
      }
      if (answer.statusCode >= 400) {
        throw Object.assign(new Error(answer.statusMessage), { statusCode: answer.statusCode });
      }
      for (const [name, value] of Object.entries(answer.headers)) {
        if (value !== undefined && !headersOfConnection.has(name)) {
          reply.header(name, value);
        }
      }
      return reply.code(answer.statusCode).send(answer.rawPayload.length > 0 ? answer.rawPayload : undefined);
    });
  }
}
