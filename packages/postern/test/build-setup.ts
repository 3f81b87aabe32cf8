/** Before all tests: the console and the command are built of what their sources say now. */
import { buildConsole } from '../../console/build.ts';
import { bundleCommand } from '../bundle.ts';

export async function setup(): Promise<void> {
  await buildConsole();
  await bundleCommand();
}
