/** How the values of options are read. Each throws commander's error, which names the option, for what it cannot use. */
import { InvalidArgumentError } from 'commander';

/** Gathers the values of an option that may be given several times; each may hold several, separated by commas. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, ...value.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]))];
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Seconds from `90`, `90s`, `15m`, `24h` or `7d`. */
export function parseDuration(text: string): number {
  const [, number, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
  if (number === undefined) {
    throw new InvalidArgumentError('Write seconds, or a number with s, m, h or d, such as 15m.');
  }
  return Number(number) * (secondsOf[unit] as number);
}

/** Reads a whole number of `least` or more. */
export function countFrom(least: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,9}$/.test(text) || Number(text) < least) {
      throw new InvalidArgumentError(`Write a whole number of ${least} or more.`);
    }
    return Number(text);
  };
}
