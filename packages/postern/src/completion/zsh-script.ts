/** Completion for zsh. */
import type { Completion } from './completions.ts';

export function zshScript(completions: readonly Completion[]): string {
  const cases = completions.map(({ path, words }) => {
    const lines = words.map(({ word, description }) => `        ${quote(`${word}:${description}`)}\n`);
    return `    ${quote(path)}) entries=(\n${lines.join('')}      ) ;;\n`;
  });
  return `#compdef postern
# Completion of the postern command for zsh.
_postern() {
  local -a entries
  local word path_words=""
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ "$word" == -* ]] && break
    path_words="\${path_words:+$path_words }$word"
  done
  while true; do
    case "$path_words" in
${cases.map((one) => one.replaceAll(/^/gm, '  ').trimEnd()).join('\n')}
    esac
    [[ \${#entries} -gt 0 || -z "$path_words" ]] && break
    [[ "$path_words" == *" "* ]] && path_words="\${path_words% *}" || path_words=""
  done
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
