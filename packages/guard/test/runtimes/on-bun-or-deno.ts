/** Runs the cases in the JSON file that is named on Bun or Deno, from source, and prints the report. docs/guard-cases.md. */
import { runCatalogue } from './run-catalogue.ts';

const [path = ''] = process.argv.slice(2);
const { default: cases } = await import(path, { with: { type: 'json' } });
// Deno waits for timeouts of answered requests, for half a minute.
process.stdout.write(`${JSON.stringify(await runCatalogue(cases))}\n`, () => process.exit());
