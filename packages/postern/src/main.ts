/** The `postern` command: runs the verb that its arguments name, and ends with the code that says how it went. */
import { runProgram } from './command/run-program.ts';
import { loadProgram } from './program.ts';

// Help on a verb is the verb's own.
const [first, ...rest] = process.argv.slice(2);
const args = first === 'help' ? [...rest, '--help'] : process.argv.slice(2);
const program = await loadProgram(args[0]);
program.hook('preAction', async () => {
  await (await import('./connection/outgoing.ts')).useOutgoingSettings(process.env);
});
await runProgram(program, args, async (error) => (await import('./connection/refusal.ts')).explainRefusal(error));
