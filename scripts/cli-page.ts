/** The manual's page about the command, from the tree of its verbs. */
import { exitCodeMeanings } from '../packages/postern/src/command/exit-code.ts';
import { loadProgram } from '../packages/postern/src/program.ts';

type Command = Awaited<ReturnType<typeof loadProgram>>;

/** The page in Markdown; `generated` is the line that says so. */
export async function cliPage(generated: string): Promise<string> {
  const program = await loadProgram();
  const verbs = leavesOf(program, []);
  const codes = exitCodeMeanings.map(([code, meaning]) => `| ${code} | ${meaning} |`);
  const contents = verbs.map(({ path, verb }) => `| [\`${path}\`](#${anchorOf(path)}) | ${verb.description()} |`);
  return `# The postern command

${generated}
Every verb but \`serve\` speaks HTTP to a server as the client that you are signed in as, and may do what the scopes of that client
allow. With \`--json\` a verb prints JSON for programs, and otherwise tables and sentences for people. Results go to standard output,
everything else to standard error. The exit code tells scripts what happened:

| exit code | meaning |
| --- | --- |
${codes.join('\n')}

With \`--json\` an error is one line of JSON on standard error: \`{"error","detail","exit_code"}\`.

Where a verb takes an id, it takes a name too: of a client, an initial access token, a policy or a storage destination; the URL of a resource or a trusted issuer; the beginning of the id
of a signing key. An id is never taken for a name, what was found is said on standard error, and a name that several have is an error. Use ids in scripts.
Tables fit the terminal, or the columns that \`COLUMNS\` says; nothing is cut off, and in a pipe each row is one line. \`postern completion\` lets your shell complete names.

## Signing in

\`\`\`sh
postern login --root data/root.env
postern client create --name billing --scope policy:read
\`\`\`

\`login\` verifies the credentials and stores them in a profile, in \`$XDG_CONFIG_HOME/postern/profiles.json\` (by default
\`~/.config/postern/profiles.json\`), a file that only your user can read; the command refuses one that others can read. A secret is
never an argument, where other users of the machine could see it: it comes from a file, from standard input, or from a variable.
Which server and client a verb uses is decided by its options, then by the variables \`POSTERN_SERVER\`,
\`POSTERN_CLIENT_ID\` and \`POSTERN_CLIENT_SECRET\` (or \`POSTERN_CLIENT_SECRET_FILE\`), then by the current profile;
with \`--profile\` the variables are ignored. The secret of a profile goes to the server of that profile only, and no secret goes over plain
http to another machine.

## Verbs

| | |
| --- | --- |
${contents.join('\n')}

${verbs.map(({ path, verb }) => `### ${path}\n\n\`\`\`text\n${helpOf(verb)}\n\`\`\`\n`).join('\n')}`;
}

interface Leaf {
  /** With \`postern\` at its start. */
  readonly path: string;
  readonly verb: Command;
}

function leavesOf(command: Command, before: readonly string[]): Leaf[] {
  const path = [...before, command.name()];
  return command.commands.length === 0
    ? [{ path: path.join(' '), verb: command }]
    : command.commands.flatMap((verb) => leavesOf(verb, path));
}

/** As \`--help\` prints it, at the same width on every machine. */
function helpOf(verb: Command): string {
  const parts: string[] = [];
  verb.configureOutput({
    writeOut: (part) => void parts.push(part),
    getOutHelpWidth: () => 110,
    getOutHasColors: () => false,
  });
  verb.outputHelp();
  return parts.join('').trimEnd();
}

function anchorOf(title: string): string {
  return title.toLowerCase().replaceAll(' ', '-');
}
