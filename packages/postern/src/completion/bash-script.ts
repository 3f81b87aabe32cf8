/** Completion for bash. */
import type { Completion } from './completions.ts';

export function bashScript(completions: readonly Completion[]): string {
  const cases = completions.map(({ path, words, argument }) => {
    const values = words.flatMap(({ word, value }) => (value === undefined ? [] : [`${word}=${value}`]));
    return `    "${path}") words="${words.map(({ word }) => word).join(' ')}" values="${values.join(' ')}" argument="${argument ?? ''}" ;;\n`;
  });
  return `# Completion of the postern command for bash.
_postern() {
  local path="" words="" values="" argument="" word previous="" current="" kind=""
  local -a line
  local -i last=-1
  # Bash takes words apart at colons, which scopes have.
  for word in "\${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    if ((last >= 0)) && [[ "$word" == ":"* || "\${line[last]}" == *":" ]]; then
      line[last]+="$word"
    else
      line[++last]="$word"
    fi
  done
  current="\${line[last]}"
  ((last > 0)) && previous="\${line[last - 1]}"
  for word in "\${line[@]:1:last-1}"; do
    case "$word" in
      -*) break ;;
      *) path="\${path:+$path }$word" ;;
    esac
  done
  local typed="$path"
  while :; do
    case "$path" in
${cases.map((line) => `  ${line}`).join('')}    esac
    [[ -n "$words" || -z "$path" ]] && break
    [[ "$path" == *" "* ]] && path="\${path% *}" || path=""
  done
  # What the server or the profiles know: the value of an option, or the argument of the verb.
  for word in $values; do
    [[ "\${word%%=*}" == "$previous" ]] && kind="\${word#*=}"
  done
  [[ -z "$kind" && "$previous" != -* && "$current" != -* && "$typed" == "$path" ]] && kind="$argument"
  [[ -n "$kind" ]] && words="$("\${COMP_WORDS[0]:-postern}" complete "$kind" 2>/dev/null)"
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  # If no word fits, complete files, which are values of options.
  [[ \${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$current"))
  # What is before the last colon is on the line already.
  if [[ "$COMP_WORDBREAKS" == *:* && "$current" == *:* ]]; then
    COMPREPLY=("\${COMPREPLY[@]#"\${current%:*}:"}")
  fi
}
complete -F _postern postern
`;
}
