/** Opens an address in the browser of the person. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

/** The program that opens addresses: `BROWSER` names it, as for other commands. Undefined: this machine has no screen. */
export function findBrowser(env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (env['BROWSER']) {
    return env['BROWSER'];
  }
  if (process.platform === 'darwin') {
    return 'open';
  }
  if (process.platform === 'win32') {
    return 'explorer';
  }
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] ? 'xdg-open' : undefined;
}

/** Does not wait until the person closes it. Resolves to false if there is no such program. */
export function openBrowser(browser: string, url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(browser, [url], { stdio: 'ignore', detached: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}

/** Milliseconds within which a browser that is asked to open a file has read it. */
const longestStartMs = 20_000;

/**
 * Opens an address that is a secret. Other users of the machine can read what programs are called with, so that the browser gets the name of a
 * file, which sends it on, and which only this user can read until it is deleted. The directory is not hidden and not a shared one, which
 * confined browsers cannot read. Resolves to false too if no file can be written there.
 */
export async function openBrowserPrivately(
  browser: string,
  url: string,
  home: string = process.env['HOME'] || homedir(),
): Promise<boolean> {
  const directory = await mkdtemp(join(home, 'postern-console-')).catch(() => undefined);
  if (directory === undefined) {
    return false;
  }
  try {
    const file = join(directory, 'open.html');
    await writeFile(file, redirectPage(url), { mode: 0o600, flag: 'wx' });
    // By this it is seen when the file is read.
    await utimes(file, 0, new Date());
    const isOpen = await openBrowser(browser, pathToFileURL(file).href);
    for (const deadline = Date.now() + longestStartMs; isOpen && Date.now() < deadline; ) {
      if ((await stat(file).catch(() => undefined))?.atimeMs !== 0) {
        break;
      }
      await pause(100);
    }
    return isOpen;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function redirectPage(url: string): string {
  const escaped = url.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">' +
    `<meta http-equiv="refresh" content="0;url=${escaped}"><title>Postern</title>` +
    `<p><a href="${escaped}">Open the console of Postern</a></p></html>\n`
  );
}
