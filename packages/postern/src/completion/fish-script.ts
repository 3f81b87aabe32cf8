/** Completion for fish. */
import type { Completion } from './completions.ts';

export function fishScript(completions: readonly Completion[]): string {
  const isGroup = (path: string) => path === '' || completions.some((other) => other.path.startsWith(`${path} `));
  const names = (kind: string) => quote(`(postern complete ${kind} 2>/dev/null)`);
  const lines = completions.flatMap(({ path, words, argument }) => [
    ...words.map(({ word, description, value }) => {
      // A verb that acts is followed by its arguments, a group by the names of its verbs.
      const condition = quote(`${isGroup(path) ? '__postern_at' : '__postern_in'} ${quote(path)}`);
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${word}`;
      const values = value === undefined ? '' : ` -x -a ${names(value)}`;
      return `complete -c postern -n ${condition} ${what}${values} -d ${quote(description)}\n`;
    }),
    ...(argument === undefined
      ? []
      : [`complete -c postern -n ${quote(`__postern_in ${quote(path)}`)} -f -a ${names(argument)}\n`]),
  ]);
  return `# Completion of the postern command for fish.
function __postern_verbs
  set -l verbs
  for word in (commandline -opc)[2..]
    string match -q -- '-*' $word; and break
    set -a verbs $word
  end
  echo "$verbs"
end
function __postern_at
  test (__postern_verbs) = "$argv[1]"
end
function __postern_in
  string match -q -- "$argv[1] *" (__postern_verbs)' '
end
${lines.join('')}`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
