/** Opens an address in the browser of the person. */
import { spawn } from 'node:child_process';

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
