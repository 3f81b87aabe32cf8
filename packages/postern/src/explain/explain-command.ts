/** `postern explain`: why an access token is accepted or refused, as the server says. */
import { createAdminClient, type TokenExplanation, type TokenQuestion } from '@postern/admin';
import { Argument, type Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { exitCodes } from '../command/exit-code.ts';
import { collect } from '../command/option-values.ts';
import { type ConnectionOptions, findConnection, readServer } from '../connection/connection.ts';
import { reach } from '../connection/reach.ts';
import { createServerConnection } from '../connection/server-connection.ts';
import { serverVerb } from '../connection/server-verb.ts';
import { readInput } from '../input/read-input.ts';
import { print } from '../output/output.ts';
import { paint } from '../output/paint.ts';
import { oneLine } from '../output/terminal-text.ts';

interface ExplainOptions extends ConnectionOptions {
  readonly needs?: string[];
  readonly audience?: string;
  readonly proof?: true;
}

export function explainCommand(): Command {
  return serverVerb('explain', 'Explain why an access token is accepted or refused.', [
    ['explain - --needs policy:read < token.txt', 'is it enough for a call that needs policy:read?'],
    ['explain - --audience https://billing.example.com < token.txt', 'does that API accept it?'],
    ['token | postern explain - --needs rule:read', 'does my own client have enough scopes?'],
  ])
    .addArgument(new Argument('<token>', 'the token; - reads it from standard input, where other users cannot see it'))
    .option('--needs <scope>', 'scope that the call needs; may be given several times', collect)
    .option('--audience <identifier>', 'API that is called: the identifier of its resource, or the issuer')
    .option('--proof', 'the caller proves that a bound token is its own')
    .addHelpText(
      'after',
      'The token is sent to the server, which neither logs nor stores it. You need not be signed in, except to learn\n' +
        'whether the token was revoked: its own client learns it, and a client with the scope revocation:read; one with\n' +
        'client:read learns what the settings of its client show. Exit code 0: no check failed. 1: the token is refused.',
    )
    .action(explain);
}

async function explain(argument: string, _options: unknown, command: Command): Promise<void> {
  const { needs = [], audience, proof = false, ...options } = command.opts<ExplainOptions>();
  if (argument === '-' && options.clientSecretFile === '-') {
    throw usageError('standard input cannot hold both the token and the secret.');
  }
  const given = argument === '-' ? await readInput('-') : argument;
  const token = given.trim().replace(/^(authorization: *)?(bearer|dpop) +/i, '');
  const explanation = await ask(
    { token, scope: needs.join(' '), proof, ...(audience !== undefined && { audience }) },
    options,
  );
  print<TokenExplanation>(command, explanation, formatExplanation);
  if (explanation.verdict === 'refused') {
    process.exitCode = exitCodes.failed;
  }
}

/** Asks the server, with a token if the person is signed in. */
async function ask(question: TokenQuestion, options: ConnectionOptions): Promise<TokenExplanation> {
  const connection = await findConnection(options, process.env);
  if (connection !== undefined) {
    return createServerConnection(connection).admin.tokens.explain(question);
  }
  const server = await readServer(options, process.env);
  const admin = createAdminClient({ server, fetch: (url, init) => reach(server, () => fetch(url, init)) });
  return admin.tokens.explain(question);
}

const marks = { ok: ['green', 'ok'], failed: ['red', 'NO'], unknown: ['yellow', '? '] } as const;

function formatExplanation({ checks }: TokenExplanation): string {
  const faults = checks.filter(({ result }) => result === 'failed');
  const open = checks.filter(({ result }) => result === 'unknown');
  const [first] = faults;
  const headline =
    first === undefined
      ? `This token passes${open.length === 0 ? '' : ', as far as could be seen'}.`
      : `This token is refused. ${first.detail}`;
  const lines = checks.map(
    ({ name, result, detail }) =>
      `  ${paint(marks[result][0], marks[result][1])}  ${name.padEnd(9)}  ${oneLine(detail)}\n`,
  );
  const advice = new Set([...faults, ...open].flatMap((check) => check.advice ?? []).map(oneLine));
  const next = [...advice].map((line) => `  ${line}\n`).join('');
  return `${oneLine(headline)}\n\n${lines.join('')}${next === '' ? '' : `\nWhat to do:\n${next}`}`;
}
