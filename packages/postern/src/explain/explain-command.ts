/** `postern explain`: why a token passes or fails, in words. */
import { Argument, type Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { exitCodes } from '../command/exit-code.ts';
import { collect } from '../command/option-values.ts';
import { type ConnectionOptions, findConnection, readServer } from '../connection/connection.ts';
import { createServerApi } from '../connection/server-api.ts';
import { serverVerb } from '../connection/server-verb.ts';
import { readInput } from '../input/read-input.ts';
import { print } from '../output/output.ts';
import { paint } from '../output/paint.ts';
import { oneLine } from '../output/terminal-text.ts';
import { type Check, unknown } from './check.ts';
import { checkStanding } from './check-standing.ts';
import { checkToken } from './check-token.ts';
import { checkUse, type Use } from './check-use.ts';
import { readIssuer } from './issuer-facts.ts';
import { readClientStatus } from './standing-facts.ts';

interface ExplainOptions extends ConnectionOptions {
  readonly needs?: string[];
  readonly audience?: string;
  readonly proof?: true;
}

interface Explanation {
  readonly verdict: 'passes' | 'refused';
  /** The first thing that is wrong, as a word; null for a token that passes. */
  readonly reason: string | null;
  readonly checks: readonly Check[];
}

export function explainCommand(): Command {
  return serverVerb('explain', 'Say in words why an access token passes or is refused.', [
    ['explain - --needs policy:read < token.txt', 'would it do for a call that needs policy:read?'],
    ['explain - --audience https://billing.example.com < token.txt', 'would that API take it?'],
    ['token | postern explain - --needs rule:read', 'does my own client hold enough?'],
  ])
    .addArgument(new Argument('<token>', 'the token; - reads it from standard input, where other users cannot see it'))
    .option('--needs <scope>', 'scope that the call needs; may be given several times', collect)
    .option('--audience <identifier>', 'API that is called: the identifier of its resource, or the issuer')
    .option('--proof', 'the caller proves that a bound token is its own')
    .addHelpText(
      'after',
      'Form, issuer, signature, times, audience and scopes need no sign-in. Whether the token was revoked, and why it fell,\n' +
        'is told as far as the signed-in client may know: of its own tokens always, of others by client:read and\n' +
        'revocation:read. Exit code 0: it passes, as far as could be seen. 1: it is refused.',
    )
    .action(explain);
}

async function explain(argument: string, _options: unknown, command: Command): Promise<void> {
  const { needs = [], audience, proof = false, ...options } = command.opts<ExplainOptions>();
  if (argument === '-' && options.clientSecretFile === '-') {
    throw usageError('standard input cannot hold both the token and the secret.');
  }
  const given = argument === '-' ? await readInput('-') : argument;
  const text = given.trim().replace(/^(authorization: *)?(bearer|dpop) +/i, '');
  const checks = await findChecks(text, { needs, audience, hasProof: proof }, options);
  const fault = checks.find(({ finding }) => finding === 'no');
  const verdict = fault === undefined ? 'passes' : 'refused';
  print<Explanation>(command, { verdict, reason: fault?.reason ?? null, checks }, formatExplanation);
  if (fault !== undefined) {
    process.exitCode = exitCodes.failed;
  }
}

async function findChecks(text: string, use: Use, options: ConnectionOptions): Promise<readonly Check[]> {
  const issuer = await readIssuer(await readServer(options, process.env));
  const { checks, token } = checkToken(text, issuer);
  if (token === undefined) {
    return checks;
  }
  const connection = await findConnection(options, process.env);
  if (connection === undefined) {
    const next = 'Sign in and ask again: postern login';
    const standing = unknown('standing', 'Whether it was revoked is told to nobody who is not signed in.', next);
    return [...checks, standing, ...checkUse(token, use, undefined)];
  }
  const facts = await readClientStatus(createServerApi(connection), text, token);
  const client = facts.clients.get(token.clientId);
  const standing = checkStanding(token, issuer.issuer, facts);
  return [...checks, standing, ...checkUse(token, use, client === 'gone' ? undefined : client)];
}

const marks = { ok: ['green', 'ok'], no: ['red', 'NO'], unknown: ['yellow', '? '] } as const;

function formatExplanation({ checks }: Explanation): string {
  const faults = checks.filter(({ finding }) => finding === 'no');
  const open = checks.filter(({ finding }) => finding === 'unknown');
  const [first] = faults;
  const headline =
    first === undefined
      ? `This token passes${open.length === 0 ? '' : ', as far as could be seen'}.`
      : `This token is refused. ${first.text}`;
  const lines = checks.map(
    ({ about, finding, text }) =>
      `  ${paint(marks[finding][0], marks[finding][1])}  ${about.padEnd(9)}  ${oneLine(text)}\n`,
  );
  const next = new Set(
    [...faults, ...open].flatMap((check) => (check.next === undefined ? [] : [oneLine(check.next)])),
  );
  const advice = [...next].map((line) => `  ${line}\n`).join('');
  return `${oneLine(headline)}\n\n${lines.join('')}${advice === '' ? '' : `\nWhat to do:\n${advice}`}`;
}
