/** Runs the cases in a Worker of workerd, and prints the report. docs/guard-cases.md. */
import { runCatalogue } from './run-catalogue.ts';

// biome-ignore lint/style/noDefaultExport: what workerd looks for
export default {
  async test(_controller: unknown, env: { readonly CASES: Parameters<typeof runCatalogue>[0] }) {
    // biome-ignore lint/suspicious/noConsole: the only output that a Worker has
    console.log(JSON.stringify(await runCatalogue(env.CASES)));
  },
};
