/** The jobs of the table in docs/console.md, each with where it is in the console and how the command does it. */
import { readFileSync } from 'node:fs';

export interface Job {
  readonly job: string;
  readonly inConsole: string;
  /** The words after `postern`, and the file that is its standard input. */
  readonly words: readonly string[];
  readonly input: string | undefined;
}

export function readJobs(): Job[] {
  const page = readFileSync(new URL('../../../docs/console.md', import.meta.url), 'utf8');
  const [, section = ''] = page.split('\n## Thirty jobs\n');
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => /^\| (?!job \||---)/.test(line));
  return rows.map((line) => {
    const [, job = '', inConsole = '', command = ''] = line.split('|').map((cell) => cell.trim());
    const [, text = '', input] = /^`postern (.*?)(?: < (\S+))?`$/.exec(command) ?? [];
    const words = [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    return { job, inConsole, words, input };
  });
}
