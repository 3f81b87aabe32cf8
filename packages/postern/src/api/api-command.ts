/** `postern api`: one call of any route of the server, with the token of the profile. RFC 6750 §2.1. */
import type { Change, Operation } from '@postern/admin';
import type { Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { readJson } from '../input/json-input.ts';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

export function apiCommand(): Command {
  return serverVerb('api', 'Call a route of the management API, and print its answer as JSON.', [
    ['api GET /api/v1/oauth/client?size=2', 'what no verb shows'],
    ['api PATCH /api/v1/oauth/client/billing --from - <<< \'{"enabled":false}\'', 'with a body'],
  ])
    .argument('<method>', methods.join(', '))
    .argument('<path>', 'path of the route with its query, as /api describes it')
    .option('--from <file>', 'JSON body of the call, - for standard input')
    .action(api);
}

async function api(method: string, path: string, _options: unknown, command: Command): Promise<void> {
  const { from } = command.opts<{ from?: string }>();
  const verb = method.toUpperCase();
  if (!methods.includes(verb)) {
    throw usageError(`the method ${method} is none of ${methods.join(', ')}.`);
  }
  if (!path.startsWith('/') || path.startsWith('//')) {
    throw usageError('the path must start with one slash, such as /api/v1/oauth/client.');
  }
  if (verb === 'GET' && from !== undefined) {
    throw usageError('a GET has no body. Put parameters into the query of the path.');
  }
  const body = from === undefined ? undefined : await readJson(from);
  const { admin } = await connect(command);
  const operation: Operation<unknown> =
    verb === 'GET' ? { method: verb, path } : { method: verb as Change<unknown>['method'], path, body };
  const answer = await admin.send(operation);
  process.stdout.write(answer === undefined ? '' : `${JSON.stringify(answer, null, 2)}\n`);
}
