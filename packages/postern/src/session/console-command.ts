/** `postern console`: opens the web console, signed in as the profile is. */
import type { Command } from 'commander';
import { type ConnectionOptions, readConnection } from '../connection/connection.ts';
import { serverVerb } from '../connection/server-verb.ts';
import { print } from '../output/output.ts';
import { findBrowser, openBrowserPrivately } from './open-browser.ts';
import { createSessionApi } from './session-api.ts';

export function consoleCommand(): Command {
  return serverVerb('console', 'Open the web console in the browser, signed in as this profile.', [
    ['console', 'with the current profile'],
    ['console --print', 'prints the address, which signs in once, within a minute'],
  ])
    .option('--print', 'print the address instead of opening it')
    .addHelpText('after', 'If the browser is signed in already, it stays signed in as before.')
    .action(openConsole);
}

async function openConsole({ print: isPrinted }: { print?: true }, command: Command): Promise<void> {
  const profile = await readConnection(command.opts<ConnectionOptions>(), process.env);
  const url = await createSessionApi(profile.server).createConsoleUrl(profile);
  const browser = isPrinted ? undefined : findBrowser(process.env);
  const isOpen = browser !== undefined && (await openBrowserPrivately(browser, url));
  const shown = isOpen ? `${profile.server}/console/` : url;
  print(command, { url: shown, opened: isOpen }, () =>
    isOpen ? `The console is open in the browser: ${shown}\n` : `${shown}\n`,
  );
}
