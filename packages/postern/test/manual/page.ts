/** A page of the manual, as the tests read it: its fenced blocks, and the commands that are in them. */

/**
 * What may stand behind the three backticks. Of these only `sh` and `console` run. `text` is for what a machine that tests
 * the manual lacks, and says so, and for what is no command.
 */
export const languages = [
  'sh',
  'console',
  'text',
  'json',
  'yaml',
  'ts',
  'go',
  'java',
  'python',
  'rust',
  'csharp',
  'js',
  'http',
  'nginx',
  'ini',
  'sql',
  'dockerfile',
];

export interface Block {
  readonly language: string;
  /**
   * The words behind the language. `sh server`: in its own terminal, where it keeps running. `sh stopped`: when all of these have
   * ended. `console soon`: what comes back may take a moment.
   */
  readonly words: readonly string[];
  readonly text: string;
  /** Of its first line, from 1. */
  readonly line: number;
}

export interface Command {
  readonly text: string;
  /** What the page says that it prints. */
  readonly output: string;
  readonly line: number;
}

/** Throws where a fence is never closed. */
export function readBlocks(page: string): Block[] {
  const blocks: Block[] = [];
  const lines = page.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const [, indent, info] = /^( *)```(.*)$/.exec(lines[at] ?? '') ?? [];
    if (indent === undefined || info === undefined) {
      continue;
    }
    const end = lines.findIndex((line, index) => index > at && line.trim() === '```');
    if (end < 0) {
      throw new Error(`line ${at + 1}: the block has no end`);
    }
    const [language = '', ...words] = info.split(' ');
    const text = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
    blocks.push({ language, words, text: text.join('\n'), line: at + 2 });
    at = end;
  }
  return blocks;
}

/** The commands of a `console` block: a line that starts with `$ `, its continuation lines, and what it prints. */
export function readCommands({ text, line }: Block): Command[] {
  const commands: { text: string; output: string[]; line: number }[] = [];
  let isOpen = false;
  text.split('\n').forEach((row, index) => {
    const current = commands.at(-1);
    if (isOpen && current !== undefined) {
      current.text += `\n${row}`;
    } else if (row.startsWith('$ ')) {
      commands.push({ text: row.slice(2), output: [], line: line + index });
    } else if (current === undefined) {
      throw new Error(`line ${line + index}: a console block starts with "$ "`);
    } else {
      current.output.push(row);
      return;
    }
    isOpen = goesOn(commands.at(-1)?.text ?? '');
  });
  return commands.map((command) => ({ ...command, output: command.output.join('\n') }));
}

function goesOn(command: string): boolean {
  return command.endsWith('\\') || command.split("'").length % 2 === 0;
}

/**
 * Whether a command printed what the page shows. `…` and `...` stand for anything; an id, a secret, a token, a hash or a time
 * for another one; white space for none, so that a page may break long lines.
 */
export function isOutputShown(shown: string, printed: string): boolean {
  const pattern = plain(shown)
    .split(/(?:…|\.\.\.)+/)
    .map((part) => RegExp.escape(part))
    .join('.*');
  return new RegExp(`^${pattern}$`, 's').test(plain(printed));
}

function plain(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
    .replaceAll(/\beyJ[\w-]+(?:\.+[\w-]*)*…?/g, '<token>')
    .replaceAll(/(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{20,}/g, '<random>')
    .replaceAll(/(?<=<random>\s+)\w{4}(?=\s+<time>)/g, '<end>')
    .replaceAll(/\b1[789]\d{8}\b/g, '<seconds>')
    .replaceAll(/\s+/g, '');
}

/** The addresses of a page on this machine, on ports that are free here, each port for one of the page's. */
export function movePorts(text: string, portOf: (port: string) => number): string {
  return text.replaceAll(
    /(?<=(?:localhost|127\.0\.0\.1):|\b(?:POSTERN_METRICS_)?PORT=)\d{4}\b/g,
    (port) => `${portOf(port)}`,
  );
}
