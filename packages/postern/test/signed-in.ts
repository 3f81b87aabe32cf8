/** The command as somebody uses it who is signed in: with a directory of profiles of its own. Runs in the process of the test. */
import { join } from 'node:path';
import { type Exit, makeTemporaryDirectory, removeDirectory } from './harness.ts';
import { runInProcess } from './in-process.ts';

export interface SignedIn {
  /** The profiles are in it. */
  readonly home: string;
  run(...args: string[]): Promise<Exit>;
  /** With `input` on standard input. */
  pipe(input: string, ...args: string[]): Promise<Exit>;
  /** What it prints with `--json`; throws where it fails. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  json(...args: string[]): Promise<any>;
  /** Ends it, with what it kept. */
  forget(): void;
}

/** Without credentials nobody is signed in. */
export async function signIn(
  server: string,
  credentials?: { readonly clientId: string; readonly clientSecret: string },
): Promise<SignedIn> {
  const home = makeTemporaryDirectory();
  // A test may put a browser there.
  const env = { HOME: home, XDG_CONFIG_HOME: join(home, 'config'), BROWSER: join(home, 'browser') };
  const user: SignedIn = {
    home,
    run: (...args) => runInProcess(args, env),
    pipe: (input, ...args) => runInProcess(args, env, input),
    async json(...args) {
      const { code, stdout, stderr } = await user.run(...args, '--json');
      if (code !== 0) {
        throw new Error(`postern ${args.join(' ')} ended with ${code}: ${stderr}`);
      }
      return JSON.parse(stdout);
    },
    forget: () => removeDirectory(home),
  };
  if (credentials !== undefined) {
    const login = ['login', '--server', server, '--client-id', credentials.clientId, '--client-secret-file', '-'];
    const { code, stderr } = await user.pipe(credentials.clientSecret, ...login);
    if (code !== 0) {
      throw new Error(`cannot sign in: ${stderr}`);
    }
  }
  return user;
}
