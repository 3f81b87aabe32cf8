/** Completion for zsh. */
import type { Completion } from './completions.ts';

export function zshScript(completions: readonly Completion[]): string {
  const cases = completions.map(({ path, words, argument }) => {
    const lines = words.map(({ word, description }) => `        ${quote(`${word}:${description}`)}\n`);
    const values = words.flatMap(({ word, value }) => (value === undefined ? [] : [`${word} ${value}`]));
    const kinds = `values=(${values.join(' ')}) argument=${quote(argument ?? '')}`;
    return `    ${quote(path)}) ${kinds} entries=(\n${lines.join('')}      ) ;;\n`;
  });
  return `#compdef postern
# Completion of the postern command for zsh.
_postern() {
  local -a entries
  local -A values
  local word path_words="" typed argument="" kind="" previous="\${words[CURRENT-1]}"
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ "$word" == -* ]] && break
    path_words="\${path_words:+$path_words }$word"
  done
  typed="$path_words"
  while true; do
    case "$path_words" in
${cases.map((one) => one.replaceAll(/^/gm, '  ').trimEnd()).join('\n')}
    esac
    [[ \${#entries} -gt 0 || -z "$path_words" ]] && break
    [[ "$path_words" == *" "* ]] && path_words="\${path_words% *}" || path_words=""
  done
  # What the server or the profiles know: the value of an option, or the argument of the verb.
  kind="\${values[$previous]}"
  [[ -z "$kind" && "$previous" != -* && "\${words[CURRENT]}" != -* && "$typed" == "$path_words" ]] && kind="$argument"
  if [[ -n "$kind" ]]; then
    entries=("\${(@f)$("\${words[1]}" complete "$kind" 2>/dev/null)}")
    compadd -a entries
    return
  fi
  _describe 'postern' entries || _files
}
# Either autoloaded at the first use, or sourced.
if [[ "$funcstack[1]" == "_postern" ]]; then
  _postern "$@"
else
  compdef _postern postern
fi
`;
}

/** Within single quotes only the closing quote has a meaning. A colon separates word and description. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
