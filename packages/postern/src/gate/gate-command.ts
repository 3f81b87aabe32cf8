/** The command `postern gate`. It loads the gate itself only when it runs, so that other commands start fast. */
import { Command } from 'commander';

export function gateCommand(): Command {
  return new Command('gate')
    .description(
      'Decide for a gateway, such as nginx or Envoy, which requests may pass, by their tokens and the rules of a file. SIGHUP reads the file again.',
    )
    .argument('<file>', 'YAML file: docs/gateways.md says what it has')
    .option('--check', 'only check the file')
    .addHelpText(
      'after',
      `
Examples:
  # answer the gateway on this machine
  $ postern gate gate.yaml
  # before the file is used
  $ postern gate --check gate.yaml
`,
    )
    .action(async (file: string, { check }: { check?: true }) => {
      const { checkGateFile, runGate } = await import('./run-gate.ts');
      await (check ? checkGateFile(file) : runGate(file));
    });
}
