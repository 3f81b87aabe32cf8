/** `postern completion`: a script that completes verbs, options and names in a shell. */
import { Argument, type Command } from 'commander';
import { verb } from '../command/verb.ts';
import { print } from '../output/output.ts';
import { bashScript } from './bash-script.ts';
import { listCompletions } from './completions.ts';
import { fishScript } from './fish-script.ts';
import { zshScript } from './zsh-script.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** `loadProgram` loads the program with all verbs. */
export function completionCommand(loadProgram: () => Promise<Command>): Command {
  return verb(
    'completion',
    'Print a script that completes verbs, options, and names of clients, scopes and profiles in your shell.',
    [
      ['completion bash > ~/.local/share/bash-completion/completions/postern', 'for bash'],
      ['completion zsh > ~/.zfunc/_postern', 'for zsh, with ~/.zfunc in fpath before compinit'],
      ['completion fish > ~/.config/fish/completions/postern.fish', 'for fish'],
    ],
  )
    .addArgument(new Argument('<shell>', 'shell to print the script for').choices(Object.keys(scripts)))
    .action(async (shell: keyof typeof scripts, _options: unknown, command: Command) => {
      const script = scripts[shell](listCompletions(await loadProgram()));
      print(command, { shell, script }, () => script);
    });
}
